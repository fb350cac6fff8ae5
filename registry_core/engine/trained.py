"""A trained model of a run or a checkpoint: evaluate it, or predict the classes of images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from registry_core.analysis.analysis import analyse
from registry_core.assembly.data.executor import Executor, Placement, Request
from registry_core.assembly.data.reading import Reader
from registry_core.assembly.data.section import build_loader
from registry_core.assembly.device import choose_device
from registry_core.assembly.model.inputs import inputs_of
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.pipeline import build_metrics, build_model
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import CheckFailed, DataFacts, Image
from registry_core.components.class_folders import images_below
from registry_core.components.forms import words
from registry_core.components.image_file import decode_image
from registry_core.components.image_reading import ImageReading
from registry_core.config.models import Section
from registry_core.config.run_layout import BEST, CHECKPOINTS, is_folder, pointed
from registry_core.diagnostics import CheckpointError, DataError, RunError
from registry_core.diagnostics.foreign_code import foreign_code
from registry_core.diagnostics.printable import warn
from registry_core.engine.checkpoint.store import Checkpoint, load_checkpoint, newest
from registry_core.engine.evaluate import Evaluation, autocast
from registry_core.engine.provenance import require_plugins
from registry_core.engine.record import RunDirectory
from registry_core.engine.requirements import check_one_process
from registry_core.engine.resuming import refuse_for_measuring, run_of, telling_of_moved_data
from registry_core.engine.skipped import SkippedSamples
from registry_core.loaded import load_recorded
from registry_core.planning.make import make_plan, plan_of
from registry_core.planning.plan import Plan
from registry_core.registry.session_objects import copied_objects

_ORDER: tuple[Section, ...] = ("test", "val", "train")
"""The sections for evaluation and prediction, in the order of preference."""

_SEVERAL_CLASSES = ("multi_hot", "signs", "class_lists")
"""Forms of targets with any number of classes per sample."""

_NO_CLASS = ("values", "counts", "class_maps", "sequences")
"""Forms of targets that are not classes of the whole image."""

_PROBABILITIES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "any": lambda output: output.softmax(-1),
    "logits": lambda output: output.softmax(-1),
    "log_probabilities": torch.exp,
    "probabilities": lambda output: output,
}
"""The function from an output form to class probabilities."""


class TrainedModel:
    """A model with trained weights (the averaged ones, if the run has them), and the plan of its training."""

    def __init__(self, plan: Plan, checkpoint: Path, saved: Checkpoint) -> None:
        self.plan = plan
        self.declared = plan.model.declared
        self.checkpoint = checkpoint
        self.made_with = saved.state["made_with"]
        self.step: int = saved.state["position"]["step"]
        self.device = choose_device(plan.device, plan.step.precision)
        self.placement = Placement(self.device, plan.step.channels_last)
        with copied_objects():
            model, _ = build_model(plan, self.device)
            self.objective = Objective(plan.step.terms).to(self.device)
        if "averaged" in saved.weights:
            averaged = AveragedModel(model)
            averaged.load_state_dict(saved.weights["averaged"])
            model = averaged.module
        else:
            model.load_state_dict(saved.weights["model"])
        self.model: nn.Module = model.eval()
        if "loss" in saved.weights:
            self.objective.load_state_dict(saved.weights["loss"])

    @classmethod
    def open(
        cls, path: Path, *, best: bool = False, look_at_data: bool = True, overrides: Sequence[str] = ()
    ) -> TrainedModel:
        """The model of a run directory (its latest or best checkpoint) or of one checkpoint.

        Its data are not read, because they may be gone; evaluation needs them. ``overrides`` are ``KEY=VALUE`` options
        for its pipeline, such as where its data are now.
        """
        checkpoint, saved = _find(path, best)
        made_with = saved.state["made_with"]
        require_plugins(made_with["plugins"])
        with telling_of_moved_data():
            loaded = load_recorded(made_with["pipeline"], f"{checkpoint}: pipeline", overrides, data=look_at_data)
        refuse_for_measuring(made_with["pipeline"], loaded.spec)
        if look_at_data:
            return cls(make_plan(loaded), checkpoint, saved)
        facts = DataFacts(num_classes=len(made_with["class_names"]) or None)
        return cls(
            plan_of(analyse(loaded.spec, known=dict.fromkeys(loaded.spec.data.sections(), facts))), checkpoint, saved
        )

    def evaluate(self, section: Section | None = None) -> dict[str, Any]:
        """Loss and metrics on a section of the data; by default on test, else val, else train."""
        sections = self.plan.sections
        chosen: Section = next(name for name in _ORDER if name in sections) if section is None else section
        if chosen not in sections:
            raise RunError(f"The pipeline has no data section {chosen!r}.", f"It has: {', '.join(sections)}.")
        loader = build_loader(sections[chosen].leaving_out_faulty(), self.plan.loading, self.placement)
        skipped = SkippedSamples({chosen: loader})
        with copied_objects():
            metrics = build_metrics(self.plan, self.device)
        evaluation = Evaluation(self.plan, self.objective, metrics, self.device)
        try:
            measured = evaluation(self.model, loader)
            if not math.isfinite(measured["loss"]):
                raise evaluation.not_finite(self.model, loader)
        finally:
            loader.close()
        facts = {"checkpoint": str(self.checkpoint), "step": self.step, "samples": loader.samples}
        if skipped.samples:
            facts["skipped_samples"] = len(skipped.samples)
        return {**facts, **{f"{chosen}/{name}": value for name, value in measured.items()}}

    @torch.no_grad()
    def predict(self, images: Sequence[Path], top: int) -> list[dict[str, Any]]:
        """The ``top`` most probable classes of each image file, with names if the data have them."""
        probabilities_of = self._probabilities()
        section = self.plan.sections[next(name for name in _ORDER if name in self.plan.sections)]
        executor = Executor.of(section, Reader(section.section, section.dataset.name, ()), self.placement)
        with foreign_code(f"The dataset {section.dataset.name!r} failed to prepare reading files"):
            read = section.dataset.file_reader() or self._read
        found = []
        for path in images:
            with foreign_code(f"The dataset {section.dataset.name!r} failed to read {str(path)!r}"):
                image = read(path)
            output = self._output(executor, path, image)
            probabilities = probabilities_of(output.float().mean(0))
            best = probabilities.topk(min(top, len(probabilities)))
            classes = [
                {"class": label, "name": self._name_of(label), "probability": probability}
                for label, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ]
            found.append({"image": str(path), "classes": classes})
        return found

    def _read(self, path: Path) -> Any:
        """The image of a file for data sets that read none: with the channels of their images."""
        return decode_image(path, ImageReading("L" if self.made_with["image_channels"] == 1 else "RGB"))

    def _output(self, executor: Executor, path: Path, image: Any) -> torch.Tensor:
        """The output of the model for an image file, one row per view."""
        request = Request(0, 0, (0,))
        views = executor.transformed({"input": image}, next(request.moments()))
        batch = executor.on_device(executor.batch_of(views, request), request)
        self._check_size(path, batch["input"])
        with torch_code(f"The model on {str(path)!r}"), autocast(self.device, self.plan.step):
            output = self.model(*inputs_of("model", self.declared.name, self.declared.inputs, batch))
        if not isinstance(output, torch.Tensor) or output.ndim != 2:
            raise RunError(f"The model {self.declared.name!r} does not return one value per class.")
        if not output.isfinite().all():
            message = f"The output of the model {self.declared.name!r} for {str(path)!r} is not finite."
            raise RunError(message, "Use another checkpoint, or train again.").at("model", code="not-finite")
        return output

    def _name_of(self, label: int) -> str:
        names = self.made_with["class_names"]
        return names[label] if label < len(names) else str(label)

    def _probabilities(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The function from outputs to class probabilities; RunError if the model has none."""
        model, target = self.declared, self.made_with.get("target_form", "any")
        emits = self.plan.model.output_form
        if emits in _PROBABILITIES and target not in _NO_CLASS and model.inputs == ("input",):
            return torch.sigmoid if emits == "logits" and target in _SEVERAL_CLASSES else _PROBABILITIES[emits]
        message = f"The model {model.name!r} emits {words(emits)}, not classes."
        if target in _NO_CLASS:
            message = f"The model was trained on {words(target)}, not on classes of images."
        elif model.inputs != ("input",):
            message = f"The model {model.name!r} expects {', '.join(model.inputs)}, not one image."
        raise RunError(message, "Use predict only with classifiers of images.")

    def _check_size(self, path: Path, images: Any) -> None:
        """Raise RunError if the model cannot be called with images of this size."""
        if isinstance(images, torch.Tensor) and images.ndim == 4:
            _, channels, height, width = images.shape
            try:
                self.declared.check_input(Image("float", channels, height, width))
            except CheckFailed as failed:
                message = f"{str(path)!r} does not fit: {failed.message}"
                remedy = "Resize it, or train with resize among the transforms of evaluations."
                raise RunError(message, remedy) from None


def _find(path: Path, best: bool) -> tuple[Path, Checkpoint]:
    """A checkpoint, that which ``best`` names, or one of a run directory, with its content."""
    run, checkpoint = run_of(path)
    if checkpoint is not None:
        return checkpoint, load_checkpoint(checkpoint)
    folder = run / CHECKPOINTS
    if not is_folder(folder):
        raise CheckpointError(f"{str(path)!r} is neither a run directory nor a checkpoint.", "Train a pipeline first.")
    if not best:
        return newest(folder, RunDirectory(run).identity(), warn)
    chosen = pointed(folder, BEST)
    if chosen is None:
        message = f"The run {str(path)!r} has no best checkpoint."
        raise CheckpointError(message, "Name a metric in the checkpoint hook: `checkpoint: {best: val/accuracy}`.")
    return chosen, load_checkpoint(chosen)


def evaluate(
    path: str | Path, *, best: bool = False, section: Section | None = None, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Evaluate the model of a run directory or checkpoint; by default on test, else val, else train.

    ``overrides`` are ``KEY=VALUE`` options for its pipeline, such as where its data are now.

    Returns the loss and the metrics as ``SECTION/NAME``, with ``checkpoint``, ``step`` and ``samples``, of which
    ``skipped_samples`` are left out if faulty ones are skipped.
    """
    check_one_process()
    return TrainedModel.open(Path(path), best=best, overrides=overrides).evaluate(section)


def predict(
    path: str | Path,
    images: Sequence[str | Path],
    *,
    best: bool = False,
    top: int = 1,
    overrides: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Predict the classes of image files with the model of a run directory or checkpoint.

    Of a folder, all images in it and below it are read, sorted by path. ``overrides`` are ``KEY=VALUE`` options for its
    pipeline, such as where a file is now that the model reads.
    Returns for each image its path as ``image``, and its ``top`` most probable classes, each with ``class``, ``name``
    and ``probability``.
    """
    files = [file for image in images for file in _files_of(Path(image))]
    trained = TrainedModel.open(Path(path), best=best, look_at_data=False, overrides=overrides)
    return trained.predict(files, top)


def _files_of(path: Path) -> list[Path]:
    """The images of a folder; any other path alone, to be read or refused."""
    if not path.is_dir():
        return [path]
    found, others = images_below(path)
    if not found:
        more = f", but {len(others):,} that are not read, such as '{others[0]}'" if others else ""
        raise DataError(f"The folder '{path}' contains no image{more}.", "Name image files, or a folder of images.")
    if others:
        images = "1 image" if len(others) == 1 else f"{len(others):,} images"
        warn(f"warning: {images} of '{path}', such as '{others[0]}', cannot be read.")
    return found
