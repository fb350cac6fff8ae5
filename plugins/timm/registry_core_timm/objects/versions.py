"""What to say where the installed timm is older or newer than the one that the data were read from."""

from __future__ import annotations

import timm

from registry_core.components import CheckFailed


def lacks(what: str, made_for: str) -> CheckFailed:
    """What to raise where the installed timm does not have ``what``, such as ``model 'resnet18'``."""
    message = f"timm {timm.__version__}, which is installed, has no {what}; it was read from timm {made_for}."
    return CheckFailed(message, f"Run: pip install 'timm=={made_for}'")
