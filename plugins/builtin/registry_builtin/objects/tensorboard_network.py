"""TensorBoard views of the network: histograms of its parameters, its graph, and embeddings of samples."""

from __future__ import annotations

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from registry_builtin.objects.shown_images import on_square, shown
from registry_builtin.objects.tensorboard import Drawing, TensorBoardHook
from registry_core.components import Every, Position, hookimpl


class Histograms(Drawing):
    """Plots histograms of weights and gradients."""

    def __init__(self, weights: bool, gradients: bool, every: Every) -> None:
        super().__init__(every)
        self.weights = weights
        self.gradients = gradients

    def draw(self, step: int, epoch: int) -> None:
        """Plot the weights."""
        if self.weights:
            for name, parameter in self.run.model.named_parameters():
                self._histogram(f"weights/{name}", parameter, step)

    @hookimpl
    def gradients_ready(self, position: Position) -> None:
        """Plot the gradients if it is due."""
        due = self.every.due(step=position.step, epochs_done=position.epoch, epoch_ended=position.batch == 0)
        if self.gradients and self.joined and due:
            for name, parameter in self.run.model.named_parameters():
                if parameter.grad is not None:
                    self._histogram(f"gradients/{name}", parameter.grad, position.step)

    def _histogram(self, tag: str, values: Tensor, step: int) -> None:
        found = values.detach().coalesce().values() if values.is_sparse else values.detach()
        found = found.float().cpu()
        found = found[found.isfinite()]
        if len(found):
            self.file.writer.add_histogram(tag, found.numpy(), step)


class Graph(TensorBoardHook):
    """Shows the graph of the model."""

    def begin(self, step: int) -> None:
        """Trace the model with one sample."""
        run, view = self.run, self.run.view
        assert view is not None
        samples = run.samples.get("val", run.samples["train"])
        inputs = view.inputs(samples.batch([0], run.start.epoch))
        with view.undisturbed(), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings of the tracer do not matter for a drawing
            self.file.writer.add_graph(run.model, inputs, use_strict_trace=False)  # strict tracing rejects dictionaries


class Embedding(Drawing):
    """Shows the outputs of the model for samples as points."""

    def __init__(self, section: str, layer: str | None, count: int, every: Every) -> None:
        super().__init__(every)
        self.section = section
        self.layer = layer
        self.count = count

    def started(self) -> None:
        """Purge what an interrupted run wrote after this start, since the projector reads no event file."""
        _purge_projector(self.file.folder, self.file.start)

    def draw(self, step: int, epoch: int) -> None:
        """Write points, thumbnails and labels."""
        run, view = self.run, self.run.view
        assert view is not None
        samples = run.samples[self.section]
        batch = samples.batch(range(min(self.count, len(samples))), epoch)
        outputs, features = view.predict(batch, [self.layer] if self.layer else [])
        points = features[self.layer] if self.layer else next(iter(outputs.values()))
        images = on_square(shown(batch["input"], run.pipeline, self.section))
        with np.errstate(all="ignore"):  # the area below the last thumbnail is neither written nor shown
            self.file.writer.add_embedding(
                points.float().reshape(len(points), -1).cpu(),
                metadata=_labels(batch.get("target"), len(images), run.class_names),
                label_img=images.expand(-1, 3, -1, -1),
                global_step=step,
                tag=self.layer or "output",
            )


def _labels(targets: Any, count: int, names: tuple[str, ...]) -> list[str]:
    """Return class names of the targets, class indices if there are no names, or sample indices."""
    if not isinstance(targets, Tensor) or targets.ndim != 1 or targets.is_floating_point():
        return [str(index) for index in range(count)]
    return [names[target] if 0 <= target < len(names) else str(target) for target in targets.tolist()]


_EMBEDDING = re.compile(r'embeddings \{\ntensor_name: "[^"\n]*:(\d+)"\ntensor_path: "([^"\n]*)"\n.*?\n\}\n', re.DOTALL)


def _purge_projector(folder: Path, start: int) -> None:
    config = folder / "projector_config.pbtxt"
    if not config.exists():
        return
    text = config.read_text(encoding="utf-8")
    for found in _EMBEDDING.finditer(text):
        if int(found[1]) > start:
            text = text.replace(found[0], "")
            shutil.rmtree((folder / found[2]).parent, ignore_errors=True)
    config.write_text(text, encoding="utf-8")
