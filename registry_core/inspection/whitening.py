"""Compute the whitening matrix of the training data, in one pass and without keeping the data in memory."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from registry_core.analysis.analysis import analyse
from registry_core.assembly.data.executor import Placement
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.section import build_loader
from registry_core.config.models import DataSection, Spec
from registry_core.diagnostics import RunError
from registry_core.engine.skipped import SkippedSamples
from registry_core.inspection.moments import Moments
from registry_core.planning.make import plan_of
from registry_core.planning.plan import Plan

Method = Literal["zca", "pca"]


@dataclass(frozen=True)
class Whitening:
    """The whitening (x - mean) @ matrix, with uncorrelated components of variance 1, and its number of images."""

    matrix: Tensor
    mean: Tensor
    images: int

    def save(self, path: Path) -> None:
        """Write a safetensors file with transformation_matrix and mean_vector, float32."""
        try:
            save_file(
                {
                    "transformation_matrix": self.matrix.to(torch.float32).contiguous(),
                    "mean_vector": self.mean.to(torch.float32),
                },
                path,
            )
        except OSError as error:
            raise RunError(f"The file '{path}' cannot be written: {error.strerror}.", "Choose another path.") from error


def whitening_of(spec: Spec, before: str, method: Method, epsilon: float) -> Whitening:
    """The whitening of the training images before the first transform with the name ``before``.

    Without such a transform, the collated images are used. Random transforms act as in the first epoch.
    """
    moments: Moments | None = None
    with closing(_loader(_shortened(spec, before))) as loader:
        SkippedSamples({"train": loader})
        for loaded in loader.batches(epoch=0):
            if loaded.entries:  # else all its samples are faulty, and left out
                rows = _rows(loaded.entries["input"])
                moments = moments or Moments(rows.shape[1])
                moments.update(rows)
    if moments is None or moments.count < 2:
        raise RunError("Whitening needs two images at least.")
    return Whitening(whitening_matrix(moments.covariance(), method, epsilon), moments.mean, moments.count)


def _rows(images: object) -> Tensor:
    """The images of a batch as rows of numbers; RunError if they are none."""
    if isinstance(images, Tensor) and images.is_floating_point():
        return images.flatten(1)
    kind = f"{images.dtype} tensors" if isinstance(images, Tensor) else "images that are not tensors"
    raise RunError(f"Whitening expects float tensors, but the transforms return {kind}.", "Add to_tensor before it.")


def whitening_matrix(covariance: Tensor, method: Method, epsilon: float) -> Tensor:
    """The matrix that whitens data with this covariance; ``epsilon`` is added to every variance.

    ``pca`` returns the principal components, largest first; ``zca`` rotates them back, so that images stay images.
    """
    variances, directions = torch.linalg.eigh(covariance)
    scales = (variances.clamp(min=0) + epsilon).rsqrt()
    scaled: Tensor = directions * scales
    return scaled.flip(1) if method == "pca" else torch.mm(scaled, directions.T)


def _shortened(spec: Spec, before: str) -> Plan:
    """The plan of the training data alone, up to the transform, whose matrix may not exist yet."""
    train = spec.data.train
    names = [transform.name for transform in train.transforms]
    kept = train.transforms[: names.index(before)] if before in names else train.transforms
    section = DataSection(dataset=train.dataset, transforms=kept, batch_size=train.batch_size)
    data = spec.data.model_copy(update={"train": section, "val": None, "test": None, "drop_last": False})
    return plan_of(analyse(spec.model_copy(update={"data": data})))


def _loader(plan: Plan) -> Loader:
    section = plan.sections["train"].leaving_out_faulty()
    return build_loader(section, plan.loading, Placement(torch.device("cpu"), channels_last=False))
