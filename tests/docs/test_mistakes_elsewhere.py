"""Mistakes made in several tools: edits fit the set-ups, verdicts follow from what is seen, the page from results."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Ended

sys.path.insert(0, str(ROOT / "benchmarks"))

from elsewhere import page
from elsewhere.edits import EDITS
from elsewhere.judging import has_near_match, has_remedy, judge, without_places
from elsewhere.mistakes import MISTAKES, Mistake
from elsewhere.running import Case, Seen, Server, case, edited
from elsewhere.tools import SETUPS, TOOLS, Tool

RESULTS: dict[str, Any] = json.loads((ROOT / "docs" / "mistakes-elsewhere.json").read_text())
GOOD = (
    "print('@@ parsed'); print('@@ instantiated'); print('@@ batch'); print('@@ epoch'); print('@@ finished 2.0 1.5')\n"
)


def test_every_mistake_has_a_name_and_a_description_of_its_own() -> None:
    assert len({mistake.slug for mistake in MISTAKES}) == len({mistake.says for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_every_mistake_is_made_in_every_tool_or_said_why_not(tool: Tool) -> None:
    text = (SETUPS / tool.files[-1] / tool.config).read_text()
    assert list(EDITS[tool.name]) == [mistake.slug for mistake in MISTAKES]
    for mistake in MISTAKES:
        edit = EDITS[tool.name][mistake.slug]
        if isinstance(edit, list):
            assert edited(text, tool.run, edit) != (text, tool.run) or mistake.world, mistake.slug


def test_an_edit_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no 'lr: 3' in the set-up"):
        edited("lr: 2", ("run",), [("lr: 3", "lr: 4")])


def test_the_page_is_of_the_results() -> None:
    assert (ROOT / "docs" / "mistakes-elsewhere.md").read_text() == page.page(RESULTS)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where data is made once for all cases."""
    return tmp_path_factory.mktemp("work")


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if RESULTS["registry-core"]["results"][m.slug]["when"] == "V"])
def test_what_the_page_says_is_refused_is_refused(
    mistake: Mistake, command: Callable[..., Ended], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = TOOLS["registry-core"]
    made = case(tool, Path(sys.executable), mistake, EDITS[tool.name][mistake.slug], work, 60)
    monkeypatch.chdir(made.folder)
    assert command("validate", "config.yaml").code == 2


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Case]:
    """A case whose set-up is a script of a tool that has no configuration worth a name."""

    def write(name: str, text: str, config: str = "optimizer: {lr: 0.1}\n") -> Case:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "main.py").write_text(text)
        (folder / "config.yaml").write_text(config)
        tool = Tool("fake", "Fake", "config.yaml", ("main.py",), ("main.py",), "", preload=("json",))
        return Case(tool, Path(sys.executable), folder, tool.run, 10)

    return write


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("raise SystemExit('error: no')", "V"),
        ("print('@@ parsed')\nraise ValueError('no')", "I"),
        ("print('@@ parsed'); print('@@ instantiated')\nraise ValueError('no')", "B"),
        ("print('@@ parsed'); print('@@ instantiated'); print('@@ batch')\nraise ValueError('no')", "E"),
        (f"{GOOD}print('noise')", "ok"),
        (GOOD.replace("2.0", "2.1"), "N"),
        (GOOD.replace("print('@@ instantiated')", "print('UserWarning: no'); print('@@ instantiated')"), "Iw"),
    ],
)
@pytest.mark.parametrize("forked", [False, True])
def test_a_verdict_follows_from_markers_exit_code_and_warnings(
    script: Callable[..., Case], text: str, when: str, forked: bool
) -> None:
    good, wrong = script("good", GOOD), script("wrong", text)
    server = Server(wrong.tool, wrong.python) if forked else None
    verdict = judge(MISTAKES[0]._replace(same=True), wrong, server, good, [good.train(server)] * 2)
    if server is not None:
        server.close()
    assert verdict.when == when
    assert (verdict.traceback > 0) == ("ValueError" in text)
    assert verdict.message.endswith("no") == (when not in ("ok", "N"))


def test_a_forked_script_shows_what_it_shows_by_itself(script: Callable[..., Case]) -> None:
    made = script("made", "import sys\nprint(sys.argv, __name__)\ndef f(): raise KeyError('x')\nf()")
    server = Server(made.tool, made.python)
    alone, forked = made.train(None), made.train(server)
    server.close()
    assert (forked.output, forked.code) == (alone.output, alone.code)


def test_a_process_that_takes_too_long_is_ended(script: Callable[..., Case]) -> None:
    made = script("made", "print('begun', flush=True)\nimport time; time.sleep(60)")
    made = Case(made.tool, made.python, made.folder, made.run, 1)
    server = Server(made.tool, made.python)
    for seen in (made.train(None), made.train(server)):
        assert (seen.output, seen.code) == ("begun\n", None)
    server.close()


@pytest.mark.parametrize(
    ("message", "path", "line"),
    [
        ("optimizer.lr: no", True, False),
        ("config.yaml:1:2: optimizer.lr: no", True, True),
        ("full_key: optimizer", True, False),
        ("File config.yaml, line 1: the optimizer has no lr", False, True),
    ],
)
def test_places_in_messages_are_found(script: Callable[..., Case], message: str, path: bool, line: bool) -> None:
    good = script("good", GOOD)
    wrong = script("wrong", f"raise SystemExit({message!r})", "optimizer: {lr: high}\n")
    verdict = judge(MISTAKES[0], wrong, None, good, [Seen(GOOD, 0, 1.0)] * 2)
    assert (verdict.path, verdict.line) == (path, line)


def test_words_of_remedies_and_near_matches() -> None:
    assert has_remedy("There is no loss 'mes'. Write mse.")
    assert not has_remedy(
        "KeyError: 'mes'\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace."
    )
    assert has_near_match("Did you mean 'SGD'?", "sgd")
    assert not has_near_match("'sdg' is not one of ['sgd', 'adam']", "sgd")


def test_messages_are_kept_without_the_folders_of_the_machine() -> None:
    text = "/folder/case/config.yaml: no; /any/lib/python3.11/site-packages/torch/nn.py: no; /any/lib/python3.11/os.py"
    assert without_places(text, Path("/folder/case")) == "config.yaml: no; torch/nn.py: no; ..."
