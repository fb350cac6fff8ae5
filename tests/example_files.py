"""The pipeline files of `examples/`, and what this machine needs to run each."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry_core import registries

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))


def overrides_of(example: Path, mnist: Path | None) -> list[str]:
    """The overrides with which an example runs here; the test is skipped where it lacks a plugin or its data."""
    text = example.read_text()
    if "model: {efficientnet_lite0" in text and "efficientnet_lite0" not in registries.models:
        pytest.skip("needs plugins/efficientnet_lite; see test_efficientnet_lite.py")
    if "vars: {data: data/mnist}" not in text:
        return []
    if mnist is None:
        pytest.skip("REGISTRY_MNIST names no folder with the MNIST files")
    return [f"vars.data={mnist}"]
