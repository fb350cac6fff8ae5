"""Networks of timm."""

from __future__ import annotations

import re
from typing import Any

import timm
from torch import nn

from registry_core.components import CheckFailed
from registry_core_timm.objects.versions import lacks

_UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")


def create(name: str, tag: str | None, parameters: dict[str, Any], made_for: str) -> nn.Module:
    """The network as ``timm.create_model`` makes it, with the weights that ``tag`` names, if it names any.

    Raises CheckFailed if the installed timm does not know the name or a parameter, cannot build it with these
    parameters, or cannot load the weights.
    """
    if not timm.is_model(name):
        raise lacks(f"model {name!r}", made_for)
    full_name = name if tag is None else f"{name}.{tag}"
    try:
        network: nn.Module = timm.create_model(full_name, pretrained=tag is not None, **parameters)
    except Exception as error:  # timm asserts, and hub and networks fail in ways of their own
        unknown = _UNKNOWN.search(str(error))
        if isinstance(error, TypeError) and unknown and unknown[1] in parameters:
            raise lacks(f"parameter {unknown[1]!r} of the model {name!r}", made_for) from error
        reason = f"{type(error).__name__}: {error}".removesuffix(": ").rstrip(".")
        if tag is not None:
            message = f"timm cannot load the weights {full_name!r}: {reason}."
            raise CheckFailed(message, "Check the connection, or leave out pretrained.") from error
        message = f"timm cannot build it with these parameters: {reason}."
        raise CheckFailed(message, f"`registry-core show model/timm_{name}` has its defaults.") from error
    return network
