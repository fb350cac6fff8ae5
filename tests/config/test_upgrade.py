"""``registry-core upgrade``: files of older versions become today's, and all that need not change stays to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from conftest import Ended

from registry_core.config import Spec, models
from registry_core.config.loading import upgrades
from registry_core.config.loading.upgrades import (
    DRAFT,
    STEPS,
    Move,
    RenameComponent,
    RenameKey,
    RenameParameter,
    Step,
    stepped,
)
from registry_core.config.text.tree import read_text
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

MADE_UP = (
    Step(1, (RenameKey(("optimisation",), "optim"), RenameComponent("optimizer", "momentum_sgd", "sgd"))),
    Step(
        2,
        (
            RenameKey(("data", "*", "augment"), "transforms"),
            RenameParameter("optimizer", "sgd", "rate", "lr"),
            Move(("epochs",), ("train", "epochs")),
        ),
    ),
)
"""What versions 2 and 3 could be."""

OLD = """\
# A pipeline of old.
version: 1   # the first

epochs: 30  # long enough
data:
  # images
  train:
    dataset: digits
    augment: [to_tensor]   # only this
  val: {dataset: digits, augment: [to_tensor]}
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy

optimisation:
  optimizer: {momentum_sgd: {rate: 0.1, momentum: 0.9}}  # as ever
train:
  # on this machine
  device: cpu
"""
NEW = """\
# A pipeline of old.
version: 3   # the first

data:
  # images
  train:
    dataset: digits
    transforms: [to_tensor]   # only this
  val: {dataset: digits, transforms: [to_tensor]}
model: {mlp: {size: 8, num_classes: 10}}
loss: cross_entropy

optim:
  optimizer: {sgd: {lr: 0.1, momentum: 0.9}}  # as ever
train:
  # on this machine
  epochs: 30  # long enough
  device: cpu
"""

DRAFTED = OLD.replace("version: 1   # the first\n\n", "")


def test_the_steps_lead_from_drafts_to_this_version() -> None:
    assert [step.before for step in STEPS] == list(range(DRAFT, models.VERSION))
    assert get_args(Spec.model_fields["version"].annotation) == (models.VERSION,)


def test_a_file_goes_through_all_steps() -> None:
    text, said = stepped(OLD, "old.yaml", 1, MADE_UP)
    assert text == NEW
    assert "Since version 2 `optimisation` is called `optim`." in said
    assert "Since version 2 the optimizer 'momentum_sgd' is called 'sgd'." in said
    assert "Since version 3 'rate' of the optimizer 'sgd' is called 'lr'." in said
    assert "Since version 3 `epochs` is in `train.epochs`." in said
    assert said.count("The file now has version 3.") == 1


def test_a_draft_gets_its_version_first() -> None:
    text, _ = stepped(DRAFTED, "draft.yaml", DRAFT, (*STEPS, *MADE_UP))
    lines = text.splitlines()
    assert lines[:3] == ["# A pipeline of old.", "version: 3", "data:"]
    assert "\n".join(lines[2:]) in NEW


@pytest.mark.parametrize("version", [2, 3])
def test_only_later_steps_are_taken(version: int) -> None:
    start = OLD if version == 3 else OLD.replace("optimisation", "optim").replace("momentum_sgd", "sgd")
    text, _ = stepped(start, "old.yaml", version, MADE_UP)
    assert text == (OLD if version == 3 else NEW)


OLD_DATA = yaml.safe_load(OLD)
NEW_DATA = yaml.safe_load(NEW)

LAYOUTS: dict[str, Callable[[Any], str]] = {
    "block": lambda data: yaml.safe_dump(data, sort_keys=False),
    "sorted": lambda data: yaml.safe_dump(data, sort_keys=True),
    "deep": lambda data: yaml.safe_dump(data, sort_keys=False, indent=6),
    "flow": lambda data: yaml.safe_dump(data, sort_keys=False, default_flow_style=True, width=60),
    "quoted": lambda data: yaml.safe_dump(data, sort_keys=False, default_style='"'),
    "json": lambda data: json.dumps(data),
    "json, indented": lambda data: json.dumps(data, indent=4),
    "json, tight": lambda data: json.dumps(data, separators=(",", ":")),
    "with other line ends": lambda data: yaml.safe_dump(data, sort_keys=False).replace("\n", "\r\n"),
    "without an end": lambda data: yaml.safe_dump(data, sort_keys=False).rstrip("\n"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("train", [{"device": "cpu"}, {}, None], ids=["section", "empty section", "no section"])
@pytest.mark.parametrize("last", [False, True])
def test_every_layout_gives_the_same_data(layout: str, train: Any, last: bool) -> None:
    old, new = dict(OLD_DATA), {**NEW_DATA, "train": {**(train or {}), "epochs": 30}}
    del old["train"]
    if train is not None:
        old["train"] = train
    if last:
        old["epochs"] = old.pop("epochs")
    text = LAYOUTS[layout](old)
    done, _ = stepped(text, "x", 1, MADE_UP)
    found = read_text(done, "x").data
    assert found == new, done
    if layout.startswith("json"):
        assert json.loads(done) == new
    if layout == "with other line ends":
        assert "\n" not in done.replace("\r\n", "")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("epochs: 3\nloss: mse\n", "train: {epochs: 3}\nloss: mse\n"),
        ("loss: mse\nepochs:\n  - 1  # one\n  - 2\n", "loss: mse\ntrain:\n  epochs:\n    - 1  # one\n    - 2\n"),
        ("epochs:\n- 1\n- 2\ntrain:\n    a: b\n", "train:\n    epochs:\n    - 1\n    - 2\n    a: b\n"),
        ("epochs: 3  # why\ntrain: {a: b}\n", "# why\ntrain: {epochs: 3, a: b}\n"),
        ("epochs: {a: 1,\n  b: 2}\ntrain:\n  c: d\n", "train:\n  epochs: {a: 1,\n    b: 2}\n  c: d\n"),
        ("train:\n  a: b\n# end\n\nepochs: 3", "train:\n  epochs: 3\n  a: b\n# end\n\n"),
        ("train: {}\nepochs: 3\n", "train: {epochs: 3}\n"),
        ('{"epochs": 3}', '{"train": {"epochs": 3}}'),
        ("epochs:\n  a: [1,\n    2]\ntrain: {c: d}\n", 'train: {epochs: {"a": [1, 2]}, c: d}\n'),
        ("epochs: |\n  long\n  text\n\ntrain:\n  a: b\n", "\ntrain:\n  epochs: |\n    long\n    text\n  a: b\n"),
        ("epochs:\n  3\ntrain:\n  a: b\n", "train:\n  epochs: 3\n  a: b\n"),
        ("epochs:\ntrain: {a: b}\n", "train: {epochs: , a: b}\n"),
        ("loss: mse\n", "loss: mse\n"),
    ],
)
def test_a_value_moves_with_its_layout(text: str, new: str) -> None:
    done, _ = stepped("extends: x\n" + text if text[0] != "{" else text, "x", 1, (Step(1, (MADE_UP[1].changes[2],)),))
    assert done.removeprefix("extends: x\n") == (new if text[0] != "{" else f'{{"version": 2, {new[1:]}')


def test_a_value_moves_out_of_a_list_item_or_leaves_an_empty_section() -> None:
    out = Move(("hooks", 0, "train", "every"), ("train", "log_every"))
    text = "extends: x\nhooks:\n  - train:\n      every: 3\n      b: 1\ntrain:\n  a: 1\n"
    done, _ = stepped(text, "x", 1, (Step(1, (out,)),))
    assert done == "extends: x\nhooks:\n  - train:\n      b: 1\ntrain:\n  log_every: 3\n  a: 1\n"
    block = "extends: x\nold:\n      every:\n        a: 1  # one\n        b: 2\n      k: 1\ntrain:\n  c: 3\n"
    done, _ = stepped(block, "x", 1, (Step(1, (Move(("old", "every"), ("train", "every")),)),))
    assert done == "extends: x\nold:\n      k: 1\ntrain:\n  every:\n    a: 1  # one\n    b: 2\n  c: 3\n"
    first = Move(("hooks", 0, "every"), ("train", "log_every"))
    done, _ = stepped("extends: x\nhooks:\n  - every: 3\n    b: 1\ntrain: {a: 1}\n", "x", 1, (Step(1, (first,)),))
    assert done == "extends: x\nhooks:\n  - b: 1\ntrain: {log_every: 3, a: 1}\n"
    done, _ = stepped("extends: x\nold:\n  every: 3\n", "x", 1, (Step(1, (Move(("old", "every"), ("train", "e")),)),))
    assert read_text(done, "x").data == {"extends": "x", "old": {}, "train": {"e": 3}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochs: 3\ntrain: {epochs: 4}\n", "the new key already has a value"),
        ("epochs: 3\ntrain: fast\n", "the value there is not a mapping"),
        ("epochs:\n  a: 1  # one\n  c: 2\ntrain: {b: 2}\n", "it contains comments"),
        ("epochs:  # why\n  3\ntrain: {b: 2}\n", "there is a comment between key and value"),
        ("length: &n 3\nepochs: *n\ntrain: {b: 2}\n", "it contains an alias"),
        ("train: {b: 2}\nepochs: &n {c: 3}\nlast: *n\ntwo: *n\nextra: {a: &x 1}\n", ""),
    ],
)
def test_what_cannot_be_moved_without_a_loss_is_said(text: str, reason: str) -> None:
    if not reason:  # the anchor moves in front of its aliases: nothing is lost
        done, _ = stepped(text, "x", 1, (Step(1, (MADE_UP[1].changes[2],)),))
        assert read_text(done, "x").data["two"] == {"c": 3}
        return
    with pytest.raises(PipelineError) as refused:
        stepped(text, "old.yaml", 1, (Step(1, (MADE_UP[1].changes[2],)),))
    (problem,) = refused.value.problems
    assert reason in problem.message
    assert problem.remedy == "Change the file by hand."
    assert problem.code == "older-version"


def test_components_are_renamed_wherever_they_stand_and_nothing_else() -> None:
    text = """\
extends: x
loss:
  weighted_sum:
    losses:
      - loss: squares  # a name alone
      - {loss: registry-core:squares, weight: 2}
      - {loss: acme:squares}
metrics: [squares]
vars: {loss: squares}
"""
    done, _ = stepped(text, "x", 1, (Step(1, (RenameComponent("loss", "squares", "mse"),)),))
    assert done == text.replace("loss: squares  #", "loss: mse  #").replace(
        "registry-core:squares", "registry-core:mse"
    )


def test_the_command_rewrites_a_file(
    command: Callable[..., Ended], pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# mine\n\ndata:\n  train: {dataset: digits, transforms: [to_tensor]}  # all\n"
    text += "model: {mlp: {size: 8, num_classes: 10}}\noptim: {optimizer: {sgd: {lr: 0.1}}}\n"
    path = pipeline(text + "loss: {cross_entropy: {reduction: elementwise_mean}}\n")
    told = command("validate", path)
    assert f"or run: registry-core upgrade {path} [older-version]" in told.err
    checked = command("upgrade", "--check", path)
    assert checked.code == 1
    diff = checked.out.splitlines()
    assert [line for line in diff[2:] if line[:1] in "+-"] == [
        "+version: 1",
        "-loss: {cross_entropy: {reduction: elementwise_mean}}",
        "+loss: {cross_entropy: {reduction: mean}}",
    ]
    assert path.read_text().startswith("# mine\n\ndata")
    done = command("upgrade", path)
    assert done.code == 0
    assert (
        path.read_text() == text.replace("data:", "version: 1\ndata:", 1) + "loss: {cross_entropy: {reduction: mean}}\n"
    )
    assert "wrote 'mean' instead of 'elementwise_mean'" in done.out
    assert command("validate", path).code == 0
    assert command("upgrade", "--check", path).out == f"{path}: nothing to upgrade.\n"


def test_json_stays_json_and_what_is_not_certain_is_left(
    command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    path = pipeline(loss={"cross_entropy": {"size_average": True}})
    data = json.loads(path.read_text())
    del data["version"]
    for indent in (None, 2):
        path.write_text(json.dumps(data, indent=indent))
        ended = command("upgrade", path)
        assert ended.code == 2
        assert "Write reduction: mean or reduction: sum. [old-spelling]" in ended.err
        assert json.loads(path.read_text()) == {"version": 1, **data}
        assert next(iter(json.loads(path.read_text()))) == "version"


def test_what_a_file_extends_is_upgraded_with_it(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    base = pipeline(name="base")
    data = json.loads(base.read_text())
    del data["version"]
    base.write_text(json.dumps(data))
    path = pipeline("extends: base.json\nloss: {mse: {reduction: elementwise_mean}}\n")
    ended = command("upgrade", path)
    assert ended.code == 0, ended.err
    assert json.loads(base.read_text())["version"] == 1
    assert path.read_text() == "extends: base.json\nloss: {mse: {reduction: mean}}\n"


def test_a_file_has_the_version_of_the_one_it_extends(
    command: Callable[..., Ended], pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "VERSION", 3)
    monkeypatch.setattr(upgrades, "STEPS", (*STEPS, *MADE_UP))
    base = pipeline("version: 2\ntrain: {device: cpu}\n", name="base")
    path = pipeline("extends: base.yaml\nepochs: 3\noptimisation: {}  # no key of version 2\n")
    ended = command("upgrade", path)
    assert ended.out.splitlines() == [
        f"{path}: Since version 3 `epochs` is in `train.epochs`.",
        f"{base}: The file now has version 3.",
    ]
    assert path.read_text() == "extends: base.yaml\ntrain: {epochs: 3}\noptimisation: {}  # no key of version 2\n"
    assert base.read_text() == "version: 3\ntrain: {device: cpu}\n"


def test_a_deprecated_component_is_renamed_where_nothing_else_changes(
    command: Callable[..., Ended], pipeline: Callable[..., Path], distribution: Callable[..., Path]
) -> None:
    declared = '''
from typing import ClassVar
from registry_core.components import Loss


class Old(Loss):
    """An old loss."""
    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    successor: ClassVar[str] = "smooth.v2"
    label_smoothing: float = 0.0
    ignore_index: int = -100


class New(Loss):
    """A new loss with another default."""
    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    label_smoothing: float = 0.1
    ignore_index: int = -100
'''
    points = "[registry_core.v1.losses]\nsmooth = acme_smooth:Old\nsmooth.v2 = acme_smooth:New\n"
    distribution("acme", points, modules={"acme_smooth": declared})
    same = pipeline(name="same", loss={"acme:smooth": {"label_smoothing": 0.2}})
    assert command("upgrade", same).code == 0
    assert json.loads(same.read_text())["loss"] == {"acme:smooth.v2": {"label_smoothing": 0.2}}
    other = pipeline(name="other", loss="smooth")
    ended = command("upgrade", other)
    assert ended.code == 0
    assert "The loss 'smooth' is deprecated" in ended.err
    assert json.loads(other.read_text())["loss"] == "smooth"


def test_another_version_is_refused_before_anything_else(
    command: Callable[..., Ended], pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = pipeline(version=2, loss="no_such")
    for name in ("validate", "upgrade"):
        ended = command(name, newer)
        assert ended.code == 2
        assert ended.err.count("registry-core reads version 1. Run: pip install --upgrade registry-core") == 1
        assert "no_such" not in ended.err.splitlines()[0]
    monkeypatch.setattr(models, "VERSION", 3)
    with pytest.raises(PipelineError) as refused:
        load(newer)
    assert [(p.code, p.remedy) for p in refused.value.problems] == [
        ("older-version", f"Run: registry-core upgrade {newer}")
    ]


@pytest.mark.parametrize("written", [0, True, "one", 1.5, None])
def test_what_is_no_version_is_a_wrong_value(
    written: Any, command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    with pytest.raises(PipelineError) as refused:
        load(pipeline(version=written))
    assert [problem.path for problem in refused.value.problems] == ["version"]
    assert "nothing to upgrade" in command("upgrade", pipeline(version=written)).out


@pytest.mark.parametrize("json_text", [False, True])
def test_the_first_key_can_be_corrected_too(
    json_text: bool, command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    path = pipeline()
    data = json.loads(path.read_text())
    right = {key: value for key, value in data.items() if key != "version"}
    wrong = {"dta" if key == "data" else key: value for key, value in right.items()}
    path.write_text(json.dumps(wrong) if json_text else yaml.safe_dump(wrong, sort_keys=False))
    assert command("validate", "--fix", "--yes", path).code == 0
    read = json.loads if json_text else yaml.safe_load
    assert list(read(path.read_text()).items()) == [("version", 1), *right.items()]


@pytest.mark.parametrize("text", ["", "{}", "extends: base.json\n", "{extends: base.json}\n"])
def test_a_missing_version_can_be_fixed(
    text: str, command: Callable[..., Ended], pipeline: Callable[..., Path]
) -> None:
    base = pipeline(name="base")
    base.write_text(json.dumps({k: v for k, v in json.loads(base.read_text()).items() if k != "version"}))
    path = pipeline(text)
    ended = command("validate", "--fix", path)
    assert ended.code == (0 if "extends" in text else 2)
    if "extends" in text:
        assert read_text(path.read_text(), "x").data == {"version": 1, "extends": "base.json"}
