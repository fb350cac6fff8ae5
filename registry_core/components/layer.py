"""Layers: the parts of a model that is declared in a pipeline file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from registry_core.components.base import Component
from registry_core.components.facts import ParameterError, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.modules import Modules, parameter_shapes
from registry_core.components.types import text_matching, text_schema

if TYPE_CHECKING:
    from torch import nn

# Attributes of every torch module: a child of that name would hide them.
# fmt: off
_TAKEN = frozenset((
    "T_destination", "add_module", "append", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile",
    "cpu", "cuda", "double", "dump_patches", "eval", "extend", "extra_repr", "float", "forward", "get_buffer",
    "get_extra_state", "get_parameter", "get_submodule", "half", "insert", "ipu", "load_state_dict", "modules", "mtia",
    "named_buffers", "named_children", "named_modules", "named_parameters", "parameters", "pop",
    "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter", "register_state_dict_post_hook",
    "register_state_dict_pre_hook", "requires_grad_", "set_extra_state", "set_submodule", "share_memory",
    "state_dict", "to", "to_empty", "train", "training", "type", "xpu", "zero_grad",
))
# fmt: on


def _free(name: str) -> str:
    if name in _TAKEN:
        raise ParameterError(f"every torch module already has an attribute {name!r}", "Choose another name")
    return name


_NAME = "^[A-Za-z][A-Za-z0-9_]*$"
PartName = Annotated[
    str,
    text_matching(_NAME, "a name of letters, digits and underscores, the first a letter"),
    AfterValidator(_free),
    text_schema(_NAME),
]
"""Letters, digits and underscores, the first a letter."""


LayerRole = Literal["weights", "affine", "activation", "other", ""]
"""The role of a layer in a network.

- ``weights``: an affine map with trained weights, such as a convolution
- ``affine``: another map that is affine in evaluation, such as flatten, average pooling or batch normalization
- ``activation``: a function of each value, or of all classes, that is not affine
- ``other``: anything else that is not affine, such as max pooling
- empty: not known
"""


class Layer(Component):
    """A part of a network, called with a tensor whose first dimension is the batch; it returns a tensor.

    Sizes that follow from the preceding layer, such as the number of input channels, may be omitted: ``with_sizes``
    fills them in.
    """

    kind: ClassVar[str] = "layer"
    output_form: ClassVar[OutputForm] = "any"
    """The output form of a network that ends with it: probabilities for a softmax."""
    saves_output: ClassVar[bool] = True
    """True if the backward pass needs its output, so that the next layer must not change it in place."""

    only_inside: ClassVar[str] = ""
    """The reason why no logits or values come after it, if there is one: ``some become 0 in training``."""
    role: ClassVar[LayerRole] = ""
    stops_at_zero: ClassVar[bool] = False
    """True if output and gradient are 0 where the input is 0, as those of relu."""
    sums_to_one: ClassVar[bool] = False
    """True if its outputs are probabilities of classes that exclude each other, as those of softmax."""

    layer_name: PartName | None = Field(
        default=None,
        alias="name",
        description="Prefix of its parameter names in init rules and checkpoints; default: its position.",
    )

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def with_sizes(self, shape: Shape | None) -> Layer:
        """The same layer with every omitted size filled in, for a sample of this shape (None: unknown).

        Raises CheckFailed if the layer does not accept it; messages continue from the layer's name, as in ``expects 400
        features, but receives 576.``
        """
        return self

    def infer_shape(self, shape: Shape) -> Shape | None:
        """The output shape for a sample of this shape, for a layer whose sizes are filled in; None if unknown.

        Raises CheckFailed if the layer cannot be applied; messages continue from the layer's name.
        """
        return None

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """The least and the largest value of its output for inputs from ``low`` to ``high``; infinite if unbounded."""
        return -math.inf, math.inf

    def needs_batch(self, shape: Shape) -> bool:
        """True if a batch of one sample of this shape is too small to train with."""
        return False

    def modules(self) -> Modules | None:
        """The modules and parameters of the sized layer; None if unknown before it is built."""
        return None

    def count_parameters(self) -> int | None:
        """The number of trainable parameters of the sized layer; None if unknown before it is built."""
        modules = self.modules()
        return None if modules is None else sum(math.prod(shape) for shape in parameter_shapes(modules).values())

    def get_output_form(self) -> OutputForm:
        """The output form of a network that ends with it; any: that of the layers before it."""
        return self.output_form

    def is_argument(self, field: str) -> bool:
        """True if a field is passed to the target, which has no argument for the name of the layer."""
        return field != "layer_name"

    def build(self) -> nn.Module:
        """The layer."""
        built: nn.Module = self.make()
        return built
