"""A trained model out of a run or a checkpoint: to measure it, or to ask it about images."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from registry_core.assembly.data.samples import BatchTransforms, SampleTransforms, collate
from registry_core.assembly.device import choose_device
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.pipeline import build_loader, build_metrics, build_model
from registry_core.components import CheckFailed, Image
from registry_core.components.forms import words
from registry_core.components.image_file import decode_image
from registry_core.config import Spec
from registry_core.config.text.tree import read_text
from registry_core.diagnostics import CheckpointError, RunError
from registry_core.engine.checkpoint.store import MANIFEST, load_checkpoint, newest, pointed
from registry_core.engine.evaluate import Evaluation, autocast, call, failures_named, to_device
from registry_core.engine.provenance import require_plugins
from registry_core.loaded import load_tree
from registry_core.planning.make import make_plan
from registry_core.registry.session_objects import copied_objects

_SEVERAL_CLASSES = ("multi_hot", "signs", "class_lists")
"""Forms of targets where a sample has any number of classes."""

_NO_CLASS = ("values", "counts", "class_maps", "sequences")
"""Forms of targets that are no class of the whole image."""

_PROBABILITIES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "any": lambda output: output.softmax(-1),
    "logits": lambda output: output.softmax(-1),
    "log_probabilities": torch.exp,
    "probabilities": lambda output: output,
}
"""From what a model emits to the probability of each class."""


class TrainedModel:
    """A model with trained weights (the averaged ones, if the run has them), and the spec that it was trained with."""

    def __init__(self, spec: Spec, checkpoint: Path, parts: dict[str, Any], state: dict[str, Any]) -> None:
        self.spec = spec
        self.checkpoint = checkpoint
        self.made_with = state["made_with"]
        self.step: int = state["position"]["step"]
        self.device = choose_device(spec.train)
        with copied_objects():
            model, _ = build_model(spec, self.device)
            self.objective = Objective(spec.loss, spec.model.outputs, spec.model.get_output_form()).to(self.device)
        if "averaged" in parts:
            averaged = AveragedModel(model)
            averaged.load_state_dict(parts["averaged"])
            model = averaged.module
        else:
            model.load_state_dict(parts["model"])
        self.model: nn.Module = model.eval()
        if "loss" in parts:
            self.objective.load_state_dict(parts["loss"])

    @classmethod
    def open(cls, path: Path, *, best: bool = False, look_at_data: bool = True) -> TrainedModel:
        """The model of a run directory (its latest or best checkpoint) or of one checkpoint."""
        checkpoint = _find(path, best)
        parts, state = load_checkpoint(checkpoint)
        require_plugins(state["made_with"]["plugins"])
        tree = read_text(json.dumps(state["made_with"]["pipeline"]), f"{checkpoint}: pipeline")
        return cls(load_tree(tree, look_at_data=look_at_data, fresh=False), checkpoint, parts, state)

    def evaluate(self, section: Any = None) -> dict[str, Any]:
        """Loss and metrics on a section of the data; by default on test, else val."""
        plan = make_plan(self.spec)
        chosen = section or next((name for name in ("test", "val") if name in plan.sections), "train")
        if chosen not in plan.sections:
            raise RunError(f"The pipeline has no data section {chosen!r}. It has: {', '.join(plan.sections)}.")
        loader = build_loader(plan, plan.sections[chosen], self.device)
        with copied_objects():
            metrics = build_metrics(plan, self.device)
        evaluation = Evaluation(self.spec, self.objective, metrics, self.device)
        try:
            measured = evaluation(self.model, loader)
        finally:
            loader.close()
        facts = {"checkpoint": str(self.checkpoint), "step": self.step, "samples": loader.samples}
        return {**facts, **{f"{chosen}/{name}": value for name, value in measured.items()}}

    @torch.no_grad()
    def predict(self, images: tuple[Path, ...], top: int) -> list[dict[str, Any]]:
        """For each image file the ``top`` most probable classes, with names where the data have them."""
        sections = self.spec.data.sections()
        section = sections.get("test") or sections.get("val") or sections["train"]
        mode = "L" if self.made_with["image_channels"] == 1 else "RGB"
        names = self.made_with["class_names"]
        probabilities_of = self._probabilities()
        classes_known = self.spec.model.num_outputs() or len(names) or None
        declared = tuple(transform.for_classes(classes_known) for transform in section.transforms)
        transforms = SampleTransforms(declared, self.spec.seed, "predict")
        batched = tuple(transform.for_classes(classes_known) for transform in section.batch_transforms)
        in_loader, on_device = BatchTransforms.of(batched, self.spec.seed, "predict")
        found = []
        for path in images:
            views = transforms.all_views({"input": decode_image(path, mode)}, 0, 0)
            self._check_size(path, views[0]["input"])
            loaded = in_loader(collate(views, "predict"), 0, 0)
            batch = on_device(to_device(loaded, self.device, self.spec.train.channels_last), 0, 0)
            with failures_named(f"The model on {str(path)!r}"), autocast(self.device, self.spec.train):
                output = call(self.model, self.spec.model.inputs, batch)
            if not isinstance(output, torch.Tensor) or output.ndim != 2:
                raise RunError(f"The model {self.spec.model.name!r} does not give one number for each class.")
            probabilities = probabilities_of(output.float().mean(0))
            best = probabilities.topk(min(top, len(probabilities)))
            classes = [
                {"class": label, "name": names[label] if label < len(names) else str(label), "probability": probability}
                for label, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ]
            found.append({"image": str(path), "classes": classes})
        return found

    def _probabilities(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """How outputs become the probabilities of classes; RunError if they do not."""
        model, target = self.spec.model, self.made_with.get("target_form", "any")
        emits = model.get_output_form()
        if emits in _PROBABILITIES and target not in _NO_CLASS and model.inputs == ("input",):
            return torch.sigmoid if emits == "logits" and target in _SEVERAL_CLASSES else _PROBABILITIES[emits]
        message = f"The model {model.name!r} emits {words(emits)}, not classes."
        if target in _NO_CLASS:
            message = f"The run learnt {words(target)}, not classes of images."
        elif model.inputs != ("input",):
            message = f"The model {model.name!r} takes {', '.join(model.inputs)}, not one image."
        raise RunError(f"{message} Only models that tell the classes of an image apart can be asked to predict.")

    def _check_size(self, path: Path, image: Any) -> None:
        """Raise RunError if the model cannot take an image of this size."""
        if isinstance(image, torch.Tensor) and image.ndim == 3:
            channels, height, width = image.shape
            try:
                self.spec.model.check_input(Image("float", channels, height, width))
            except CheckFailed as failed:
                remedy = "Resize it, or train with resize among the transforms of evaluations."
                raise RunError(f"{str(path)!r} does not fit: {failed.message} {remedy}") from None


def _find(path: Path, best: bool) -> Path:
    if (path / MANIFEST).exists():
        return path
    folder = path / "checkpoints"
    if not folder.is_dir():
        raise CheckpointError(f"{str(path)!r} is neither a run directory nor a checkpoint. Train a pipeline first.")
    if not best:
        return newest(folder, lambda message: print(message, file=sys.stderr))
    chosen = pointed(folder, "best")
    if chosen is None:
        message = f"The run {str(path)!r} has no best checkpoint."
        raise CheckpointError(f"{message} Name a metric in the checkpoint hook: `checkpoint: {{best: val/accuracy}}`.")
    return chosen
