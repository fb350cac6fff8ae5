"""Errors for differences between the installed timm and the one from which the data was read."""

from __future__ import annotations

import timm

from registry_core.components import CheckFailed


def lacks(what: str, made_for: str) -> CheckFailed:
    """Return the error for an installed timm without ``what``, such as ``model 'resnet18'``."""
    message = f"The installed timm {timm.__version__} has no {what}; the declaration was read from timm {made_for}."
    return CheckFailed(message, f"Run: pip install 'timm=={made_for}'")
