"""Build networks of timm."""

from __future__ import annotations

import re
from typing import Any

import timm
from torch import nn

from registry_core.components import CheckFailed
from registry_core_timm.objects.versions import lacks

_UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")


def create(name: str, tag: str | None, parameters: dict[str, Any], made_for: str) -> nn.Module:
    """Return the network of ``timm.create_model``, with the weights of ``tag`` unless it is None.

    Raises CheckFailed if the installed timm does not know the name or a parameter, cannot build the network with these
    parameters, or cannot load the weights.
    """
    if not timm.is_model(name):
        raise lacks(f"model {name!r}", made_for)
    full_name = name if tag is None else f"{name}.{tag}"
    try:
        network: nn.Module = timm.create_model(full_name, pretrained=tag is not None, **parameters)
    except Exception as error:  # timm, its networks and the hub raise errors of many types
        unknown = _UNKNOWN.search(str(error))
        if isinstance(error, TypeError) and unknown and unknown[1] in parameters:
            raise lacks(f"parameter {unknown[1]!r} of the model {name!r}", made_for) from error
        reason = f"{type(error).__name__}: {error}".removesuffix(": ").rstrip(".")
        if tag is not None:
            message = f"timm cannot load the weights {full_name!r}: {reason}."
            raise CheckFailed(message, "Check the network connection, or omit pretrained.") from error
        message = f"timm cannot build the model with these parameters: {reason}."
        raise CheckFailed(message, f"See the defaults: registry-core show model/timm_{name}") from error
    return network
