"""Classes and files of folders and lists: all images are read, and labels mean the classes that they seem to mean."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.targets import compares_classes
from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed
from registry_core.components.class_names import is_number, quoted
from registry_core.diagnostics import Keys, Problem


@warning("files-left-out")
def all_images_are_read(context: CheckContext) -> Iterator[Problem]:
    """Data sets read all the image files of their folders."""
    for name, section in context.analysis.sections.items():
        left_out = section.facts.left_out
        if left_out is not None:
            message = f"data.{name} does not read {left_out}."
            keys: Keys = ("data", name, "dataset")
            problem = context.problem(keys, message, left_out.remedy)
            yield problem._replace(place=context.tree.place(keys, of_key=True))  # another warning may be of the value


@warning("class-order")
def numbers_are_in_their_order(context: CheckContext) -> Iterator[Problem]:
    """Classes whose names are numbers are in the order of these numbers."""
    for name, section in context.analysis.sections.items():
        names = section.facts.class_names
        if not all(map(is_number, names)) or list(names) == sorted(names, key=int) or list(names) != sorted(names):
            continue
        label, wrong = next((label, one) for label, one in enumerate(names) if sorted(names, key=int)[label] != one)
        message = f"The classes of data.{name} are numbers sorted as text: {quoted(names, 4)}."
        message += f" So the class '{wrong}' has the label {label}."
        remedy = "Set `order: number`, or name the classes in their order in `classes`."
        failed = CheckFailed(message, remedy, ("root",))
        yield context.refused_by(("data", name, "dataset"), section.declared.dataset, failed)


@warning("one-class")
def training_data_have_several_classes(context: CheckContext) -> Iterator[Problem]:
    """The training data have more than one class."""
    train = context.analysis.train
    if train is None or train.facts.target_form != "class_indices" or not compares_classes(context.spec):
        return
    if train.facts.num_classes == 1 or train.facts.largest_label == 0:
        name = f", {train.facts.class_names[0]!r}" if train.facts.class_names else ""
        message = f"data.train has only one class{name}: the model learns to answer with it, whatever the image."
        remedy = "Use data of at least two classes. If its folder contains the class folders, name that folder."
        yield context.problem(("data", "train", "dataset"), message, remedy)


@warning("labels-from-one")
def labels_begin_at_0(context: CheckContext) -> Iterator[Problem]:
    """A model has no output for the label 0 if labels are counted from 1."""
    train, outputs = context.analysis.train, context.analysis.model.num_outputs
    if train is None or not compares_classes(context.spec):
        return
    if train.facts.smallest_label == 1 and train.facts.largest_label == (outputs or 0) - 1 != 1:
        message = f"The labels of data.train are 1 to {train.facts.largest_label}: no image has the label 0,"
        message += f" so one of the {outputs} outputs of the model is never the answer."
        remedy = "Count the labels from 0, and the outputs of the model accordingly."
        yield context.problem(("data", "train", "dataset"), message, remedy)
