"""Data sets: where samples come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from registry_core.components.base import Component
from registry_core.components.facts import DataFacts
from registry_core.components.sources import declared_source
from registry_core.diagnostics import DataError
from registry_core.diagnostics.foreign_code import pass_interrupt

if TYPE_CHECKING:
    from torch.utils.data import Dataset as TorchDataset

    from registry_core.components.inventory import Inventory


USUAL_ENTRIES = ("input", "target")
"""The entries of a sample that is a pair; a model has no output of these names."""


class Dataset(Component):
    """A data set of samples by index; each is a mapping with ``input``, ``target`` and the other entries it declares.

    The built object has ``__len__`` and ``__getitem__``, returns the same sample for the same index, and can be
    pickled. Samples of plain torch data sets, which are pairs, are read as (input, target). For messages, the object
    may have ``describe_sample(n)``, which returns the origin of sample n in words, such as ``'cat/7.png' (line 8 of
    train.txt)``, and ``sample_path(n)``, which returns the image file that holds this sample alone. It may have
    ``reading``, the ``ImageReading`` with which it reads them.
    """

    kind: ClassVar[str] = "dataset"
    names_classes_in: ClassVar[str] = ""
    """The parameter with the names of all classes in their order, some of which may have no samples; empty: none."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def facts(self) -> DataFacts:
        """The facts that a cheap look at the data shows, without torch; DataError if the data are missing or wrong."""
        return DataFacts()

    @cached_property
    def cached_facts(self) -> DataFacts:
        """The facts, read once; a failed read is repeated, because the data may have been repaired."""
        facts = self.completed_facts(self.facts())
        return facts if facts.sources else replace(facts, sources=declared_source(self, facts.length))

    @property  # not cached: a declaration that holds itself could not be compared with another
    def lenient(self) -> Dataset:
        """The data set for `data.on_error: skip`: neither ``facts`` nor ``build`` refuses a sample that is faulty.

        Reading such a sample raises. By default it is this data set, which leaves faults to the built object.
        """
        return self

    def completed_facts(self, facts: DataFacts) -> DataFacts:
        """The facts with those that follow from a data set inside this one."""
        return facts

    def build(self) -> TorchDataset[Any]:
        """The data set."""
        built: TorchDataset[Any] = self.make()
        return built

    def file_reader(self) -> Callable[[Path], Any] | None:
        """The function from the path of an image file to ``input``, as in its samples; None if it reads no such files.

        ``registry-core predict`` reads images with it.
        """
        return None

    def inventory(self) -> Inventory:
        """The samples for a report of the data, including those that ``build`` would refuse.

        Raises DataError if there is no readable sample.
        """
        from registry_core.components.inventory import Inventory, UnusableEntry  # for reports of data alone

        built = self.build()
        try:
            return Inventory(built, self.cached_facts)
        except DataError as error:
            return Inventory(built, DataFacts(), (UnusableEntry(str(error)),))


def is_map_style(built: object) -> bool:
    """True for a data set of samples read by index, as torch defines a map-style one, and for an inventory of one."""
    from registry_core.components.inventory import Inventory

    opened = built.dataset if isinstance(built, Inventory) else built
    return hasattr(opened, "__len__") and hasattr(opened, "__getitem__")


def describe_sample(dataset: Any, index: int) -> str:
    """The origin of a sample of a built data set, in words; empty if the data set does not say."""
    path = sample_path(dataset, index)
    return _told(dataset, "describe_sample", index) or (f"'{path}'" if path else "")


def sample_path(dataset: Any, index: int) -> str:
    """The image file of a sample of a built data set; empty if it has none of its own."""
    return _told(dataset, "sample_path", index)


def _told(dataset: Any, method: str, index: int) -> str:
    tell = getattr(dataset, method, None)
    try:
        return str(tell(index)) if callable(tell) else ""
    except BaseException as error:  # it is only for messages, and a plugin may raise anything
        pass_interrupt(error)
        return ""
