"""Write docs/coverage.md: every component, and the tests that compare it with a reference that is not ours.

python docs/make_coverage.py            write the table
python docs/make_coverage.py --check    fail if it is not what the registries and the tests say, or has an open row
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from registry_core.catalog import KINDS, installed
from registry_core.config import Spec
from registry_core.config.loading.compose import compose
from registry_core.config.loading.resolve import component_class, components
from registry_core.diagnostics import PipelineError
from registry_core.loaded import Looks, load_tree
from registry_core.registry.registries import BY_KIND

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "coverage.md"

Tests = dict[str, dict[str, list[str]]]

MORE = {
    "section/data": "Loading: batch size, order, workers, pinned memory, drop_last",
    "section/init": "Init rules by module type and by name, with a report",
    "section/finetune": "Load what fits, rename, freeze, unfreeze",
    "section/groups": "Parameter groups by name and type, layer-wise decay",
    "command/index": "Write an index file from class folders",
    "command/sample": "Show one sample step by step",
    "command/whiten": "Compute a whitening matrix from the training data",
    "spelling/old": "Old spellings are refused with the new one",
}
"""What is not a component, but stands in pipeline files or on the command line."""

ELSEWHERE = {"hook/tensorboard_audio": "its test registers data with sound; no built-in data set has any"}
"""Components that a pipeline file of the repository cannot use, with the reason."""


def covered() -> Tests:
    """For every component the tests that cover it, with their references."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "covered.json"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "tests.covered"]
        done = subprocess.run([*command, f"--covered={path}"], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        found: Tests = json.loads(path.read_text())
    return found


def used_in() -> dict[str, list[str]]:
    """For every component the pipeline files of the repository that use it, examples first."""
    found: dict[str, list[str]] = {}
    for folder in ("examples", "tests/pipelines"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            for name in sorted(_components_of(path)):
                found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


def _components_of(path: Path) -> set[str]:
    tree, _ = compose(path, (), lambda keys: component_class(Spec, keys) is not None)
    try:
        spec = load_tree(tree, looks=Looks(data=False)).spec
    except PipelineError:  # a plugin that it needs is not installed
        return set()
    found = list(components(spec))
    if any(component.record and component.record.distribution != "registry-core" for component in found):
        return set()  # the table is the same whether a plugin is installed or not
    return {f"{component.kind}/{component.name}" for component in found}


def lines(tests: Tests) -> Iterator[str]:
    """The table as Markdown."""
    files = used_in()
    yield "# What there is, and what it is compared with"
    yield ""
    yield "Made by `python docs/make_coverage.py` from the registries and the tests; CI holds it equal to them."
    yield "A pipeline file is one of the repository that uses the component; a test compares it with the reference."
    for kind, registry in BY_KIND.items():
        page = KINDS[kind].page.removeprefix("docs/")
        names = sorted({record.name for record in installed().of_kind(kind) if record.distribution == "registry-core"})
        yield from _table(f"{kind} ({len(names)})", f"Described in [{page.partition('#')[0]}]({page}).")
        for name in names:
            full_name = f"{kind}/{name}"
            example = next((f"`{file}`" for file in files.get(full_name, [])), ELSEWHERE.get(full_name, ""))
            yield _row(full_name, registry[name].summary(), example, tests)
    yield from _table("Other parts of a pipeline, and commands")
    for name, summary in MORE.items():
        yield _row(name, summary, "", tests)


def _table(title: str, *paragraphs: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    for paragraph in paragraphs:
        yield from (paragraph, "")
    yield from ("| name | what it is | pipeline file | reference | test |", "|---|---|---|---|---|")


def _open(text: str) -> Iterator[str]:
    """The names of rows without a test, a reference, or, for components, a pipeline file."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("| `") and not (all(cells[4:6]) and (cells[3] or cells[1].strip("`") in MORE)):
            yield cells[1]


def _row(name: str, summary: str, example: str, tests: Tests) -> str:
    found = tests.get(name, {})
    references = sorted({reference for test in found.values() for reference in test})
    shown = ", ".join(f"`{test}`" for test in sorted(found)[:3])
    return f"| `{name}` | {summary.replace('|', '/')} | {example} | {'; '.join(references)} | {shown} |"


def main() -> None:
    """Write the table, or hold it against what it should be."""
    text = "\n".join(lines(covered())) + "\n"
    if "--check" not in sys.argv:
        TABLE.write_text(text)
    elif text != TABLE.read_text():
        raise SystemExit("docs/coverage.md is not what the registries and the tests say: run docs/make_coverage.py")
    if opened := list(_open(text)):
        raise SystemExit(f"These have no test with a reference, or no pipeline file: {', '.join(opened)}")


if __name__ == "__main__":
    main()
