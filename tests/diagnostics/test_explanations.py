"""Every code of a mistake is explained, with examples that are what they say: wrong in just this way, and right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import PIL.Image
import pytest
import torch
from conftest import ROOT, Ended, distributions
from safetensors.torch import save_file

from registry_core.analysis import machine as machine_checks
from registry_core.diagnostics import PipelineError
from registry_core.diagnostics.codes import CODES, THEMES
from registry_core.diagnostics.explanations import Example, by_theme, explanation
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.inspection.dry_run.report import DryRun
from registry_core.loaded import load
from registry_core.planning.make import make_plan

ACME = {
    "acme_losses": '''
from typing import ClassVar
from registry_core.components import CheckFailed, Hook, Loss, Model, Optimizer


class Old(Loss):
    """An old loss."""
    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    successor: ClassVar[str] = "smooth.v2"
    label_smoothing: float = 0.0


class New(Loss):
    """A new loss."""
    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    label_smoothing: float = 0.1


class Digit(Model):
    """Calls its output as the entry that it predicts."""
    target: ClassVar[str] = "acme_parts:OneHead"
    outputs: ClassVar[tuple[str, ...]] = ("target",)


class DigitToo(Model):
    """Calls its output as losses expect it."""
    target: ClassVar[str] = "acme_parts:OneHead"


class SelfPaced(Optimizer):
    """Works out its own learning rate."""
    target: ClassVar[str] = "torch.optim:SGD"


class Tracker(Hook):
    """Tells another program how the run goes."""
    target: ClassVar[str] = "acme_tracker:Tracker"
    requirements: ClassVar[dict[str, str]] = {"acme_tracker": "acme-tracker>=1"}


class Diary(Hook):
    """Write an entry about the run every few epochs."""
    target: ClassVar[str] = "acme_losses:Diary"
    every: int = 10

    def warnings(self, facts):
        """Warn if the run ends before the first entry."""
        epochs = facts.horizon.epochs if facts.horizon else self.every
        if self.every <= epochs:
            return ()
        message = f"The hook 'diary' writes every {self.every} epochs, but the run has {epochs}."
        return (CheckFailed(message, "Set every to less.", ("every",)),)
''',
    "acme_logbook": '''
import sys
from registry_core.components import hookimpl


class Logbook:
    """Tells of every row, and keeps the file that it writes to."""

    @hookimpl
    def metrics_measured(self, row):
        print(row, file=sys.stderr)

    def state_dict(self):
        return {"rows": 0, "file": sys.stderr}
''',
    "acme_torn": "import acme_no_such_module\n",
    "acme_parts": '''
import torch
from torch.nn import functional


class Unpool(torch.nn.Module):
    """Keeps the largest value of each window where it was."""

    def forward(self, x):
        pooled, places = functional.max_pool2d(x, 2, return_indices=True)
        return functional.max_unpool2d(pooled, places, 2)


class OneHead(torch.nn.Module):
    """A linear model."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(64, 10)

    def forward(self, x):
        return self.body(x.flatten(1))


class TwoHeads(torch.nn.Module):
    """Two heads, of which one is not used."""

    def __init__(self):
        super().__init__()
        self.body, self.spare = torch.nn.Linear(64, 10), torch.nn.Linear(64, 10)

    def forward(self, x):
        return self.body(x.flatten(1))


def bounded(output, target):
    """Cross entropy that looks at what the model gives."""
    return functional.cross_entropy(output if output.max().item() < 100 else output / 100, target)


def misses(output, target):
    """Counts."""
    return (output.argmax(1) != target).float().mean()


def product(output, target):
    """Takes outputs and targets of other shapes."""
    return output @ target.float()
''',
}
POINTS = (
    "[registry_core.v1.losses]\n"
    "multi_margin = acme_losses:New\nsmooth = acme_losses:Old\nsmooth.v2 = acme_losses:New\nfocal = acme_torn:Focal\n"
    "bounded = acme_parts:bounded\nmisses = acme_parts:misses\nproduct = acme_parts:product\n"
    "[registry_core.v1.layers]\nunpool = acme_parts:Unpool\n"
    "[registry_core.v1.models]\ntwo_heads = acme_parts:TwoHeads\n"
    "digit = acme_losses:Digit\ndigit.v2 = acme_losses:DigitToo\n"
    "[registry_core.v1.hooks]\ntracker = acme_losses:Tracker\ndiary = acme_losses:Diary\n"
    "logbook = acme_logbook:Logbook\n"
    "[registry_core.v1.optimizers]\nself_paced = acme_losses:SelfPaced\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the explanations speak of: the pipeline, weights, images, and the package acme-losses."""
    made = tmp_path_factory.mktemp("explained")
    _write_images(made)
    shutil.copy(ROOT / "examples" / "digits.yaml", made)
    save_file({"conv1.weight": torch.zeros(6, 1, 5, 5)}, made / "first.safetensors")
    with distributions(made) as make:
        make("acme-losses", POINTS, modules=ACME)
        yield made


def _write_images(made: Path) -> None:
    """Class folders of numbers, one with another extension, and lists of them with labels from 0 and from 1."""
    image = PIL.Image.new("L", (8, 8), 100)
    files = [f"{root}/{name}/0.png" for root in ("pages/train", "pages/val") for name in range(11)]
    files += ["photos/5/1.jfif", *(f"photos/{name}/0.png" for name in range(10))]
    for file in files:
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        image.save(made / file)
    for name, labels in (("test", range(10)), ("from_0", range(10)), ("from_1", range(1, 10)), ("zeros", range(1))):
        (made / f"{name}.txt").write_text("".join(f"photos/{label}/0.png {label}\n" for label in labels))


@pytest.fixture
def said_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Ended]
) -> Callable[[Example], set[str]]:
    """The codes of all problems of an example, warnings too."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(machine_checks, "may_have_cuda", lambda: False)

    def check_file(text: str, *, deep: bool = False) -> set[str]:
        path = Path("example.yaml")
        path.write_text(text)
        try:
            spec = load(path)
            plan = make_plan(spec)
        except PipelineError as error:
            assert not deep, "it is found without --deep"
            return {problem.code for problem in error.problems}
        found = dry_run(plan) if deep else DryRun("cpu", "fp32")
        return {problem.code for problem in (*spec.warnings, *found.problems, *found.warnings)}

    def run_commands(text: str) -> set[str]:
        ended = None
        for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
            program, _, arguments = line.partition(" ")
            if program == "registry-core":
                ended = command(*arguments.split(" "), "--json")
            else:
                assert program == "python"
                subprocess.run(f"{sys.executable} {arguments}", shell=True, check=True)
        assert ended is not None, "no command of registry-core"
        said = json.loads(ended.out)
        return {problem["code"] for problem in (said["problems"] if "--deep" in text else said)}

    def codes_of(example: Example) -> set[str]:
        if example.form == "console":
            return run_commands(example.text)
        text = example.text if example.form == "file" else f"extends: digits.yaml\n{example.text}"
        return check_file(text, deep=example.form == "deep")

    return codes_of


def test_people_are_told_of_explanations(
    command: Callable[..., Ended], pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    advice = "registry-core explain CODE explains a code.\n"
    wrong = pipeline(train={"epochs": 0})
    assert advice not in command("validate", wrong).err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert command("validate", wrong).err.endswith(advice)
    assert advice not in command("validate", wrong, "--json").err
    assert advice not in command("validate", ROOT / "examples" / "digits.yaml").err


@pytest.mark.parametrize("code", CODES)
def test_the_examples_are_what_they_say(code: str, said_of: Callable[[Example], set[str]]) -> None:
    explained = explanation(code)
    assert explained.wrong
    assert explained.right
    for example in explained.wrong:
        assert said_of(example) == {code}, example.text
    for example in explained.right:
        assert said_of(example) == set(), example.text


@pytest.mark.parametrize("code", CODES)
def test_a_text_is_short_and_leads_somewhere(code: str) -> None:
    explained = explanation(code)
    assert 2 <= len(re.findall(r"[.?](?=\s|$)", explained.text)) <= 5, "sentences"
    assert not explained.title.endswith(".")
    for link in explained.see_also:
        if link.target.startswith("#"):
            assert link.target[1:] in CODES, link
            assert link.target[1:] == link.text != code
        else:
            page, _, section = link.target.partition("#")
            headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
            assert not section or section in {heading.lower().replace(" ", "-") for heading in headings}, link


def test_a_theme_has_explanations() -> None:
    assert all(len(by_theme()[theme]) > 1 for theme in THEMES)


def test_the_page_is_what_the_explanations_say() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs" / "make_mistakes.py", "--check"], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_command_prints_an_explanation(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    ended = command("explain", "transform-input")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "transform-input: The transform does not accept its input"
    assert lines[1] == ""
    assert lines[2].startswith("Transforms are applied in the order in which they are listed")
    assert [line for line in lines[2 : lines.index("Wrong:") - 2] if not 70 < len(line) <= 90] == [], "filled lines"
    assert "    transforms: [{normalize: {mean: [0.3], std: [0.38]}}, to_tensor]" in ended.out
    assert "See also: registry-core explain model-input; registry-core explain image-sizes" in ended.out
    assert not re.search(r"```|^#|\]\(", ended.out, re.MULTILINE), "Markdown"
    assert command("explain", "[transform-input]").out == ended.out, "as it is copied from a message"
    facts = json.loads(command("explain", "transform-input", "--json").out)
    assert facts["title"] == "The transform does not accept its input"
    assert facts["wrong"][0]["form"] == "fragment"


def test_the_command_lists_all_codes(command: Callable[..., Ended]) -> None:
    listed = command("explain").out
    assert [code for code in CODES if not re.search(rf"^  {code} +[A-Z`]", listed, re.MULTILINE)] == []
    assert [each["code"] for each in json.loads(command("explain", "--json").out)] == re.findall(
        r"^  (\S+)", listed, re.MULTILINE
    )


def test_an_unknown_code_gets_near_matches(command: Callable[..., Ended]) -> None:
    ended = command("explain", "tranform-input")
    assert ended.code == 2
    assert "The code 'tranform-input' is unknown. Did you mean 'transform-input'" in ended.err


def test_a_text_that_lacks_a_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.md").write_text("# Odd\n\nText.\n\nWrong:\n\n```yaml\na: 1\n```\n")
    monkeypatch.setattr("registry_core.diagnostics.explanations._FOLDER", tmp_path)
    explanation.cache_clear()
    with pytest.raises(ValueError, match="'data' lacks a part"):
        explanation("data")
    explanation.cache_clear()
