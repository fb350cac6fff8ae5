"""Facts about modules of torch.nn before they are built: their classes, parameters and saved buffers."""

from __future__ import annotations

from collections.abc import Sequence

from registry_core.components import ModuleFacts, Modules, TensorFacts

Shape = tuple[int, ...]


def bare(*classes: str) -> Modules:
    """Return a module without parameters."""
    return of_classes(classes)


def of_classes(
    classes: Sequence[str], parameters: Sequence[tuple[str, Shape]] = (), buffers: Sequence[TensorFacts] = ()
) -> Modules:
    """Return a module of these classes: its own class first, then its bases; ``Module`` is appended."""
    facts = tuple(TensorFacts(name, shape) for name, shape in parameters)
    return (ModuleFacts("", (*classes, "Module"), facts, tuple(buffers)),)


def convolution(
    name: str, in_channels: int, out_channels: int, kernel: Shape, groups: int = 1, bias: bool = True
) -> Modules:
    """Return ``Conv1d`` or ``Conv2d``."""
    weight = ("weight", (out_channels, in_channels // groups, *kernel))
    return of_classes((name, "_ConvNd"), with_bias(weight, (out_channels,), bias))


def transposed_convolution(
    name: str, in_channels: int, out_channels: int, kernel: Shape, groups: int = 1, bias: bool = True
) -> Modules:
    """Return ``ConvTranspose2d``."""
    weight = ("weight", (in_channels, out_channels // groups, *kernel))
    return of_classes((name, "_ConvTransposeNd", "_ConvNd"), with_bias(weight, (out_channels,), bias))


def linear(in_features: int, out_features: int, bias: bool = True) -> Modules:
    """Return ``Linear``."""
    return of_classes(("Linear",), with_bias(("weight", (out_features, in_features)), (out_features,), bias))


def channel_norm(classes: Sequence[str], features: int, affine: bool = True, statistics: bool = True) -> Modules:
    """Return a normalization per channel, optionally with running statistics."""
    parameters = with_bias(("weight", (features,)), (features,), True) if affine else ()
    buffers = [TensorFacts("running_mean", (features,)), TensorFacts("running_var", (features,))]
    buffers.append(TensorFacts("num_batches_tracked", (), "int64"))
    return of_classes((*classes, "_NormBase"), parameters, buffers if statistics else ())


def batch_norm(name: str, features: int, affine: bool = True, statistics: bool = True) -> Modules:
    """Return ``BatchNorm1d`` or ``BatchNorm2d``."""
    return channel_norm((name, "_BatchNorm"), features, affine, statistics)


def recurrent(name: str, gates: int, in_features: int, hidden: int) -> Modules:
    """Return a bidirectional layer of ``LSTM`` (4 gates) or ``GRU`` (3 gates)."""
    parameters = [
        (f"{part}_l0{direction}", shape)
        for direction in ("", "_reverse")
        for part, shape in (
            ("weight_ih", (gates * hidden, in_features)),
            ("weight_hh", (gates * hidden, hidden)),
            ("bias_ih", (gates * hidden,)),
            ("bias_hh", (gates * hidden,)),
        )
    ]
    return of_classes((name, "RNNBase"), parameters)


def with_bias(weight: tuple[str, Shape], bias: Shape, wanted: bool) -> Sequence[tuple[str, Shape]]:
    """Return the weight, and a bias of this shape if requested."""
    return (weight, ("bias", bias)) if wanted else (weight,)
