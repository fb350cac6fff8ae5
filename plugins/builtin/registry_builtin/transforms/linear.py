"""Linear transformation of whole images, such as whitening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.matrix_file import matrix_size
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.types import InputPath
from registry_core.diagnostics import DataError


class LinearTransformation(Transform):
    """Subtract a mean vector from the flattened image and multiply it by a matrix, for example to whiten it.

    Input and output: a float tensor [channels, height, width]; its D = channels x height x width values form a row
    vector x, which becomes (x - mean) matrix. The file contains `transformation_matrix` [D, D] and `mean_vector` [D],
    float32 or float64, as safetensors or .npz; `registry-core whiten PIPELINE --out FILE` computes one from the
    training data. Equivalent to torchvision.transforms.v2.LinearTransformation.
    """

    target = "registry_builtin.objects.linear:linear_transformation"
    example: ClassVar[Mapping[str, Any]] = {"file": "whitening.safetensors"}
    old_spellings: ClassVar[Mapping[str, str]] = {
        "transformation_matrix": "file: a safetensors or .npz file with transformation_matrix and mean_vector",
        "mean_vector": "file: a safetensors or .npz file with transformation_matrix and mean_vector",
    }

    file: InputPath = Field(description="File with transformation_matrix and mean_vector: safetensors or .npz.")

    def belongs_everywhere(self, image: Image | None = None) -> bool:
        """Return True: the model has learned transformed values."""
        return True

    def infer_image(self, image: Image) -> Image:
        """The size does not change; the range of values is unknown."""
        if image.form != "float":
            message = f"linear_transformation expects a float tensor, but receives a {image}."
            raise CheckFailed(message, "Put to_tensor before it.")
        if not self.file.exists():
            message = f"The file '{self.file}' does not exist."
            raise CheckFailed(message, "Create it with `registry-core whiten PIPELINE --out FILE`.", ("file",))
        try:
            size = matrix_size(self.file)
        except DataError as error:
            raise CheckFailed(error.message, error.remedy, ("file",)) from None
        if image.channels is not None and image.height is not None and image.width is not None:
            numbers = image.channels * image.height * image.width
            if numbers != size:
                sides = f"{image.channels} x {image.height} x {image.width} = {numbers}"
                message = f"The matrix in '{self.file}' expects {size} values, but the image has {sides}."
                raise CheckFailed(
                    message, "Compute a matrix for images of this size with `registry-core whiten`.", ("file",)
                )
        return image.changed(low=None, high=None)
