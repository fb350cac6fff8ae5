"""README shows what is: its pipeline, its messages and its plan are those of today."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Ended

from registry_core.planning.rewrites.table import REWRITES

README = (ROOT / "README.md").read_text()


def console(command: str) -> str:
    """What README prints below a command."""
    found = re.search(rf"```console\n\$ {re.escape(command)}\n(.*?)```", README, re.DOTALL)
    assert found is not None, command
    return found[1]


def example() -> str:
    comment, _, text = (ROOT / "examples" / "digits.yaml").read_text().partition("\n")
    assert comment.startswith("#")
    return text


def test_the_pipeline_is_the_example() -> None:
    assert f"```yaml\n{example()}```" in README


def test_the_messages_are_real(command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "# comment\n" + example()
    for right, mistake in (
        ("in_channels: 1", "in_channels: 3"),
        ("cross_entropy", "cross_entropi"),
        ("max_lr: 0.01", "max_lr: '1e-2'"),
        ("epochs: 30", "epoch: 30"),
        ("best: val/accuracy", "best: val/acuracy"),
    ):
        assert right in wrong
        wrong = wrong.replace(right, mistake)
    monkeypatch.chdir(tmp_path)
    Path("wrong.yaml").write_text(wrong)
    ended = command("validate", "wrong.yaml")
    assert ended.code == 2
    assert ended.err == console("registry-core validate wrong.yaml")


def test_the_plan_is_real(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert command("plan", "examples/digits.yaml").out == console("registry-core plan examples/digits.yaml")


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").iterdir())],
)
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+\.(?:md|yaml))\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


def test_every_rewrite_is_described() -> None:
    page = (ROOT / "docs" / "pipeline-file.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (true|false) \|", page, re.MULTILINE)
    assert rows == [(rewrite.name, str(rewrite.equality != "stated tolerance").lower()) for rewrite in REWRITES]
