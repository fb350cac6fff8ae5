"""A pytest plugin that writes which test compares which component with which reference, for docs/make_coverage.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--covered", metavar="FILE", help="Write the components that tests cover to FILE, as JSON.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    path = config.getoption("--covered")
    if not path:
        return
    found: dict[str, dict[str, list[str]]] = {}
    for item in items:
        test = f"{Path(item.path).name}::{getattr(item, 'originalname', item.name)}"
        for marker in item.iter_markers("covers"):
            for component in marker.args:
                references = found.setdefault(component, {}).setdefault(test, [])
                reference = marker.kwargs.get("reference", "")
                if reference and reference not in references:
                    references.append(reference)
    Path(path).write_text(json.dumps(found))
