"""Read one sample and check all of its entries."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageFile
import torch
from numpy.typing import NDArray
from torchvision.tv_tensors import BoundingBoxes, Mask

from registry_core.assembly.data.reading import Reader, class_number
from registry_core.assembly.data.targets import TargetCheck
from registry_core.components import DataFacts, written_shape
from registry_core.components.dataset import describe_sample, sample_path
from registry_core.components.facts import Form
from registry_core.config import Section
from registry_core.diagnostics import BrokenComponent, DataError, RegistryError
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.diagnostics.sentences import describe_error
from registry_core.inspection.data_check.faults import Fault
from registry_core.inspection.data_check.stored import look_at_file

DIGEST = 16
"""Length in bytes of the hash of an image."""
NO_DIGEST = bytes(DIGEST)


class ImageKind(NamedTuple):
    """The type of images, ``RGB`` or ``float32 tensor``, and their height and width."""

    type: str
    form: Form | None
    """The image as transforms describe it; None if they cannot."""
    channels: int | None = None
    height: int | None = None
    width: int | None = None


@dataclass
class SampleFindings:
    """The findings about a sample."""

    faults: list[Fault] = field(default_factory=list)
    digest: bytes = NO_DIGEST
    image: ImageKind | None = None
    stored: str = ""
    label: int | None = None


@dataclass(frozen=True)
class SampleReader:
    """Reads the samples of a section; worker processes get a copy."""

    reader: Reader
    """The reader that a run uses."""
    facts: DataFacts
    targets: TargetCheck

    @property
    def section(self) -> Section:
        """The section of the data."""
        return self.reader.section

    @property
    def name(self) -> str:
        """The name of the data set."""
        return self.reader.name

    @property
    def dataset(self) -> Any:
        """The built data set."""
        return self.reader.dataset

    def read(self, index: int) -> SampleFindings:
        """Read a sample; the result holds its faults."""
        seen = SampleFindings()
        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False  # a plugin may have set it: half an image would pass
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("ignore")
            for told_of in (UserWarning, RuntimeWarning):  # the categories that decoders use
                warnings.simplefilter("always", told_of)
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            try:
                sample = self.reader(index)
                seen.digest = _digest(sample)
                seen.faults += self._wrong(sample, index)
            except BaseException as error:  # a plugin may raise anything, and a lazy image when it is decoded
                pass_interrupt(error)
                seen.faults.append(self._unreadable(error, index))
                return seen
        for message in dict.fromkeys(f"{one.category.__name__}: {one.message}" for one in told):
            seen.faults.append(self.fault("warning", message, index))
        self._look(sample, index, seen)
        return seen

    def fault(self, kind: str, message: str, index: int, exit_code: int = 2) -> Fault:
        """A fault of a sample, with its origin."""
        where, path = describe_sample(self.dataset, index), sample_path(self.dataset, index)
        return Fault(kind, self.section, message, index, where, path, exit_code)

    def _unreadable(self, error: BaseException, index: int) -> Fault:
        cause = (isinstance(error, RegistryError) and error.__cause__) or error
        if isinstance(error, RegistryError) and (cause is error or isinstance(error, DataError)):
            code = 3 if isinstance(error, BrokenComponent) else 2
            return replace(self.fault("unreadable", str(error), index, code), names_sample=True)
        if isinstance(cause, PIL.Image.DecompressionBombWarning):
            return self.fault("unreadable", f"The image cannot be decoded: {cause}", index)
        return self.fault(
            "unreadable", f"The dataset {self.name!r} failed on this sample: {describe_error(cause)}.", index
        )

    def _wrong(self, sample: Mapping[str, Any], index: int) -> Iterator[Fault]:
        for entry in dict.fromkeys(("input", *(self.facts.entries or ()))):
            if entry not in sample:
                yield self.fault("entry", f"The sample has no `{entry}`; it has {', '.join(sample)}.", index)
        target = self.targets.problem(sample)
        if target:
            yield self.fault("target", target, index)
        for entry, value in sample.items():
            message = _not_finite(value)
            if message:
                yield self.fault("not_finite", f"`{entry}` has {message}.", index)

    def _look(self, sample: Mapping[str, Any], index: int, seen: SampleFindings) -> None:
        image = sample.get("input")
        seen.image = _image_kind(image)
        if self.targets.form in ("class_indices", "any"):
            seen.label = class_number(sample.get("target"))
        path = sample_path(self.dataset, index)
        if path:
            mode = image.mode if isinstance(image, PIL.Image.Image) else ""
            seen.stored, remarks = look_at_file(path, mode, getattr(self.dataset, "reading", None))
            seen.faults += [self.fault(kind, message, index) for kind, message in remarks]


def _image_kind(image: Any) -> ImageKind | None:
    if isinstance(image, PIL.Image.Image):
        return ImageKind(image.mode, "pil", len(image.getbands()), image.height, image.width)
    if isinstance(image, np.ndarray):
        return ImageKind(f"{image.dtype} array {written_shape(image.shape)}", None)
    if not isinstance(image, torch.Tensor):
        return None
    kind = f"{str(image.dtype).removeprefix('torch.')} tensor"
    if image.ndim != 3:
        return ImageKind(f"{kind} {written_shape(tuple(image.shape))}", None)
    form: Form | None = "uint8" if image.dtype == torch.uint8 else "float" if image.is_floating_point() else None
    return ImageKind(kind, form, *image.shape)


def _digest(sample: Mapping[str, Any]) -> bytes:
    """A hash of the pixels of all images of a sample, without ``target``."""
    found = hashlib.blake2b(digest_size=DIGEST)
    any_image = False
    for entry, value in sample.items():
        if entry == "target" or isinstance(value, (BoundingBoxes, Mask)):
            continue
        if isinstance(value, PIL.Image.Image):
            found.update(f"{entry} {value.mode} {value.size}".encode())
            found.update(bytes(value.getpalette() or ()) if value.mode == "P" else b"")
            found.update(value.tobytes())
        elif isinstance(value, (torch.Tensor, np.ndarray)) and (entry == "input" or value.ndim > 1):
            found.update(f"{entry} {value.dtype} {tuple(value.shape)}".encode())
            found.update(_bytes(value))
        else:
            continue
        any_image = True
    return found.digest() if any_image else NO_DIGEST


def _bytes(value: torch.Tensor | NDArray[Any]) -> bytes:
    if isinstance(value, torch.Tensor):
        plain = value.detach().cpu().as_subclass(torch.Tensor).contiguous()
        value = plain.reshape(-1).view(torch.uint8).numpy()
    return np.ascontiguousarray(value).tobytes()


def _not_finite(value: Any) -> str:
    """The non-finite numbers of a value, in words; empty if there are none."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"the value {value}"
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        value = value.detach().cpu().to(torch.float64).as_subclass(torch.Tensor).numpy()
    elif isinstance(value, PIL.Image.Image) and value.mode == "F":
        value = np.asarray(value)
    if not isinstance(value, (np.ndarray, np.floating)) or value.dtype.kind != "f" or np.isfinite(value).all():
        return ""
    nan, infinite = int(np.isnan(value).sum()), int(np.isinf(value).sum())
    counts = " and ".join(f"{count:,} {word}" for count, word in ((nan, "NaN"), (infinite, "infinite")) if count)
    return f"{counts} among {value.size:,} values"
