"""Data sets: where samples come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from registry_core.components.base import Component
from registry_core.components.facts import DataFacts

if TYPE_CHECKING:
    from torch.utils.data import Dataset as TorchDataset


class Dataset(Component):
    """Numbered samples; each is a mapping with ``input``, ``target`` and what else it declares.

    The built object has ``__len__`` and ``__getitem__``, gives the same sample for the same number, and pickles.
    Plain data sets of torch's convention, whose samples are pairs, are taken as (input, target).
    """

    kind: ClassVar[str] = "dataset"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def facts(self) -> DataFacts:
        """What a cheap look at the data tells, without torch; raises DataError where the data is missing or wrong."""
        return DataFacts()

    def build(self) -> TorchDataset[Any]:
        """The data set."""
        built: TorchDataset[Any] = self.make()
        return built
