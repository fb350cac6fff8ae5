"""How each mistake is made in the set-up of each tool."""

from __future__ import annotations

from elsewhere.edits import hydra, lightning, ludwig, mmengine, registry_core

Edit = list[tuple[str, str]] | str
"""Texts of the configuration with what replaces them, the first place of each; or why the mistake cannot be written."""

EDITS: dict[str, dict[str, Edit]] = {
    "registry-core": registry_core.EDITS,
    "lightning": lightning.EDITS,
    "hydra": hydra.EDITS,
    "mmengine": mmengine.EDITS,
    "ludwig": ludwig.EDITS,
}
