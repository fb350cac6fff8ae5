"""The model: its layers fit each other, it accepts the images, its output has the shape of the targets."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.sections import SectionAnalysis
from registry_core.analysis.targets import values_in_target
from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, DataFacts, Image, Shape, written_shape
from registry_core.components.forms import TargetForm, counted, words
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys, Problem

_SIDES: dict[TargetForm, int] = {
    "class_indices": 1,
    "class_lists": 1,
    "multi_hot": 1,
    "one_hot": 1,
    "distributions": 1,
    "sequences": 2,
    "class_maps": 3,
}
"""The number of dimensions of the output for a sample, for each form of targets."""

_REMEDIES = {
    1: "Add a pooling layer if it is an image, and flatten at the end.",
    2: "Use a model with an output for every column of the image, such as crnn.",
    3: "Use a model with an output for every pixel, such as unet.",
}


@check("layers")
def layers_fit(context: CheckContext) -> Iterator[Problem]:
    """The layers of the model fit each other."""
    if context.whole(("model",)):
        model = context.spec.model
        for failed in context.analysis.model.errors:
            yield context.rejected(("model", model.name_in_file, *failed.at), failed)


@check("model-input", after=("transforms_fit_images", "layers_fit"))
def model_accepts_images(context: CheckContext) -> Iterator[Problem]:
    """The model can be called with the images after the transforms."""
    for name, section in context.sections("transforms", "batch_transforms"):
        if section.image is not None:
            yield from _accepts(context, name, section.image)


def _accepts(context: CheckContext, section: Section, image: Image) -> Iterator[Problem]:
    keys: Keys = ("data", section, "transforms")
    if image.form != "float":
        message = f"The model expects a float tensor, but data.{section} provides a {image}."
        yield context.problem(keys, message, "Add to_tensor at the end of the transforms.")
    elif context.whole(("model",)):
        try:
            context.spec.model.check_input(image)
        except CheckFailed as failed:
            message = f"The images of data.{section} do not fit the model. {failed.message}"
            yield context.problem(("model",), message, failed.remedy)


@check("output-shape", after=("outputs_are_values", "outputs_are_classes"))
def output_has_shape_of_targets(context: CheckContext) -> Iterator[Problem]:
    """The output of the model has the number of dimensions that the targets of its losses need."""
    shape = output_shape(context, ("loss",))
    if shape is None:
        return
    for _, section in context.sections():
        facts = section.targets
        if facts is None:
            continue
        for term in context.spec.loss.terms():
            if not compares_output(context.spec, term.inputs):
                continue
            if found := _wrong_sides(shape, facts) or _wrong_size(shape, section):
                yield context.rejected(("model",), found)
            try:
                term.loss.check_shape(shape, facts)
            except CheckFailed as failed:
                code = "sequence-length" if facts.target_form == "sequences" else ""
                yield context.rejected(("model",), failed, code)


def output_shape(context: CheckContext, part: Keys) -> Shape | None:
    """The shape of the output for a sample; None if unknown, or if the model or this part is broken."""
    return context.analysis.model.output_shape if context.whole(("model",), part) else None


def compares_output(spec: Spec, inputs: tuple[str, ...]) -> bool:
    """True if a loss or metric with these inputs compares the first output of the model with targets."""
    return inputs[:1] == spec.model.outputs[:1] and "target" in inputs


def written_output(shape: Shape) -> str:
    """The output for a sample, in words."""
    if len(shape) > 1:
        return written_shape(shape)
    return "one value" if values_in_output(shape) == 1 else f"a row of {values_in_output(shape)} values"


def values_in_output(shape: Shape) -> int | None:
    """The number of values of the output for a sample, or for each pixel of it."""
    return shape[0] if shape else 1


def _wrong_sides(shape: Shape, facts: DataFacts) -> CheckFailed | None:
    sides = _SIDES.get(facts.target_form, 1 if values_in_target(facts) is not None else None)
    if sides is None or len(shape) == sides or (shape == () and values_in_target(facts) == 1):
        return None
    message = f"The model returns {written_output(shape)} for a sample, but the targets are"
    return CheckFailed(f"{message} {words(facts.target_form)}.", _REMEDIES[sides])


def _wrong_size(shape: Shape, section: SectionAnalysis) -> CheckFailed | None:
    """The refusal of an output with another size than the images, if every pixel has a class."""
    if section.targets is None or section.targets.target_form != "class_maps" or len(shape) != 3:
        return None
    if section.way.image_error:
        return None
    image = section.image
    given = (None, None) if image is None else (image.height, image.width)
    if any(None not in pair and pair[0] != pair[1] for pair in zip(shape[1:], given, strict=True)):
        message = f"The model returns {written_shape(shape[1:])} pixels for an image, but its target has"
        return CheckFailed(f"{message} {written_shape(given)}.", "Pad the convolutions or add upsample at the end.")
    return None


@check("batch-of-one", after=("epoch_has_a_batch",))
def batches_are_large_enough(context: CheckContext) -> Iterator[Problem]:
    """The smallest batch of an epoch is large enough to train the model with."""
    spec, train = context.spec, context.analysis.train
    parts: tuple[Keys, ...] = (("data",), ("model",), ("train",))
    frozen = spec.finetune is not None and bool(spec.finetune.freeze)  # frozen batch norms use no batch statistics
    if train is None or train.samples is None or frozen or not context.whole(*parts):
        return
    if train.way.image_error:
        return
    smallest, is_last = _smallest_batch(context, train.samples, train.batches or 0)
    try:
        spec.model.check_batch(smallest * train.views, train.image)
    except CheckFailed as failed:
        which = "The last batch of an epoch" if is_last else "A batch"
        message = f"{which} of data.train has {counted(smallest, 'sample')}: {failed.message}"
        remedy = "Set drop_last: true or another batch_size." if is_last else failed.remedy
        layer: Keys = ("model", spec.model.name_in_file, *failed.at)
        known = bool(failed.at) and layer in context.tree.values
        yield context.problem(layer if known else ("data", "batch_size"), message, remedy)


@warning("batch-of-one")
def batches_have_statistics(context: CheckContext) -> Iterator[Problem]:
    """No model with batch normalization is trained with batches of one sample."""
    spec, train = context.spec, context.analysis.train
    if train is None or spec.data.batch_size_of("train") * train.views > 1 or spec.finetune is not None:
        return
    modules = context.analysis.model.modules or ()
    if name := next((module.path for module in modules if "_BatchNorm" in module.classes), ""):
        message = f"Every batch has 1 sample, so the batch normalization {name!r} uses the statistics of single samples"
        remedy = "Use larger batches, or group_norm or instance_norm2d."
        yield context.problem(("data", "batch_size"), f"{message} in training, but averages in evaluation.", remedy)


def _smallest_batch(context: CheckContext, samples: int, batches: int) -> tuple[int, bool]:
    """The samples of the smallest batch of the run, and True if it is the remainder of an epoch."""
    spec, run = context.spec, context.analysis.horizon
    size, steps = spec.data.batch_size_of("train"), run.total_steps if run else 0
    comes_to_the_end = steps * spec.train.accumulate >= batches
    if spec.data.drop_last or samples % size == 0 or not comes_to_the_end:
        return min(size, samples), False
    return samples % size, samples > size
