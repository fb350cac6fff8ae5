"""Damaged and forged checkpoints: each falls back to the one before or is refused by name, and none is accepted."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import RUN, reseal, save
from reliability.trials import Score, generator, trials
from safetensors.torch import load_file, save_file

import registry_core
from registry_core.diagnostics import RegistryError
from registry_core.engine.checkpoint.store import newest

Change = Callable[[Path], object]


def damages(random: random.Random) -> Iterator[tuple[str, Change]]:
    """Ordinary damage: bits that flip, files that are cut, grow, vanish, appear or change places."""
    while True:
        yield "a flipped bit", lambda folder: _flip(_file(folder, random), random)
        yield "a file cut short", lambda folder: _cut(_file(folder, random), random)
        yield "a file that grew", lambda folder: _grow(_file(folder, random))
        yield "a file that is gone", lambda folder: _file(folder, random).unlink()
        yield "a file too many", lambda folder: (folder / f"extra-{random.random()}").write_text("x")
        yield "two files exchanged", lambda folder: _exchange(folder, random)
        yield "an empty file", lambda folder: _file(folder, random).write_bytes(b"")
        yield "a folder in the place of a file", lambda folder: _as_folder(_file(folder, random))
        yield "a file of the checkpoint before", lambda folder: _from_before(folder, random)


def _file(folder: Path, random: random.Random) -> Path:
    return random.choice(sorted(path for path in folder.iterdir() if path.is_file()))


def _flip(path: Path, random: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def _grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _cut(path: Path, random: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(len(data))])


def _exchange(folder: Path, random: random.Random) -> None:
    one, other = random.sample(sorted(folder.glob("*.safetensors")), 2)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _from_before(folder: Path, random: random.Random) -> None:
    before = folder.with_name("step-00000001")
    name = random.choice(["model.safetensors", "state.json", "manifest.json"])
    shutil.copyfile(before / name, folder / name)


def test_ordinary_damage_falls_back(tmp_path: Path) -> None:
    random = generator("damaged checkpoints")
    promise = "a damaged checkpoint is never read: the run falls back to the one before"
    with Score("damaged checkpoints", promise) as score:
        for number, (kind, damage) in zip(range(trials(270, 2_700)), damages(random), strict=False):
            folder = tmp_path / str(number)
            save(folder, 1)
            damaged = save(folder, 2)
            before = {path.name: path.read_bytes() for path in damaged.iterdir()}
            damage(damaged)
            is_same = before == {path.name: path.read_bytes() for path in damaged.iterdir() if path.is_file()}
            said: list[str] = []
            path, found = newest(folder, RUN, said.append)
            holds = is_same or (found.manifest.step == 1 and len(said) == 1 and "step-00000002" in said[0])
            score.trial(holds, (kind, path, said))
            shutil.rmtree(folder)


def test_a_reader_that_does_not_verify_would_accept_most_of_it(tmp_path: Path) -> None:
    """The control: safetensors alone notices few flipped bits."""
    random = generator("control")
    save(tmp_path, 1)
    file = tmp_path / "step-00000001" / "model.safetensors"
    whole, silent = file.read_bytes(), 0
    for _ in range(40):
        _flip(file, random)
        try:
            load_file(file)
            silent += 1
        except Exception:  # any error is a detection
            pass
        file.write_bytes(whole)
    assert silent > 20


def _manifest(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(folder: Path) -> None:
        path = folder / "manifest.json"
        content = json.loads(path.read_text())
        replaced = change(content)
        path.write_text(json.dumps(content if replaced is None or not isinstance(replaced, (dict, list)) else replaced))

    return apply


def _entry(name: str, facts: Any) -> Change:
    return _manifest(lambda content: content["files"].__setitem__(name, facts))


def _with_files(change: Callable[[Path], object]) -> Change:
    """The change of one who seals the checkpoint again afterwards, with correct digests."""

    def apply(folder: Path) -> None:
        change(folder)
        reseal(folder)

    return apply


def _state(change: Callable[[dict[str, Any]], object]) -> Change:
    """A changed state, sealed again. Mappings are lists of pairs under the key ``items``."""

    def apply(folder: Path) -> None:
        path = folder / "state.json"
        content = json.loads(path.read_text())
        pairs = dict(content["items"])["state"]["items"]
        found = change({key: index for index, (key, _) in enumerate(pairs)} | {"": pairs})
        path.write_text(json.dumps(content if not isinstance(found, str) else json.loads(found)))

    return _with_files(apply)


def _set(key: str, value: Any) -> Change:
    return _state(lambda places: places[""][places[key]].__setitem__(1, value))


def _link(name: str, target: str) -> Change:
    def apply(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return apply


def _fifo(folder: Path) -> None:
    (folder / "state.json").unlink()
    os.mkfifo(folder / "state.json")


def _tensors(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    return _with_files(
        lambda folder: save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors")
    )


FORGED: dict[str, Change] = {
    "an entry is removed and its file changed": lambda folder: (
        _manifest(lambda content: content["files"].pop("state.json"))(folder),
        _flip(folder / "state.json", random.Random(0)),
    ),
    "an entry and its file are removed": lambda folder: (
        _manifest(lambda content: content["files"].pop("model.safetensors"))(folder),
        (folder / "model.safetensors").unlink(),
    ),
    "the manifest is {}": lambda folder: (folder / "manifest.json").write_text("{}"),
    "the manifest is []": lambda folder: (folder / "manifest.json").write_text("[]"),
    "the manifest is null": lambda folder: (folder / "manifest.json").write_text("null"),
    "the manifest is deep": lambda folder: (folder / "manifest.json").write_text("[" * 100_000),
    "the manifest is large": lambda folder: (folder / "manifest.json").write_text(" " * 2_000_000 + "{}"),
    "the manifest has no files": _manifest(lambda content: content["files"].clear()),
    "the manifest has a list of files": _manifest(lambda content: content.__setitem__("files", [])),
    "the manifest has no run": _manifest(lambda content: content.pop("run")),
    "the manifest has a number as run": _manifest(lambda content: content.__setitem__("run", 3)),
    "the manifest has another format": _manifest(lambda content: content.__setitem__("format", 99)),
    "the manifest has a text as format": _manifest(lambda content: content.__setitem__("format", "2")),
    "the manifest has another step": _manifest(lambda content: content.__setitem__("step", 7)),
    "the manifest has another pipeline": _manifest(lambda content: content.__setitem__("pipeline", "0" * 64)),
    "the manifest has a key too many": _manifest(lambda content: content.__setitem__("more", 1)),
    "the run is another": _manifest(lambda content: content.__setitem__("run", "another run")),
    "an entry names ../": _entry("../step-00000006/state.json", {"bytes": 1, "sha256": "0"}),
    "an entry names an absolute path": _entry("/etc/passwd", {"bytes": 1, "sha256": "0"}),
    "an entry names /dev/zero": _entry("/dev/zero", {"bytes": 0, "sha256": "0"}),
    "an entry names itself": _entry("manifest.json", {"bytes": 1, "sha256": "0"}),
    "an entry names another weights file": _with_files(
        lambda folder: shutil.copyfile(folder / "model.safetensors", folder / "evil.safetensors")
    ),
    "an entry has no digest": _entry("state.json", {"bytes": 1}),
    "an entry is a text": _entry("state.json", "x"),
    "an entry has a size of text": _entry("state.json", {"bytes": "1", "sha256": "0"}),
    "a file is a link to the same content": lambda folder: (
        shutil.copyfile(folder / "state.json", folder.parent.parent / "moved"),
        _link("state.json", "../../moved")(folder),
    ),
    "a file is a link to /dev/zero": _link("state.json", "/dev/zero"),
    "a file is a pipe": _fifo,
    "the manifest is a link to /dev/zero": _link("manifest.json", "/dev/zero"),
    "a stray pickle": lambda folder: (folder / "optimizer.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR."),
    "the state is null": _state(lambda _: "null"),
    "the state is a list": _state(lambda _: "[1]"),
    "the state is deep": _with_files(lambda folder: (folder / "state.json").write_text("[" * 100_000)),
    "the position is a text": _set("position", "here"),
    "the position is negative": _set("position", {"items": [["epoch", -1], ["batch", 0], ["step", 12]]}),
    "the position is that of another step": _set("position", {"items": [["epoch", 0], ["batch", 0], ["step", 3]]}),
    "the position is beyond the epoch": _set("position", {"items": [["epoch", 2], ["batch", 10**6], ["step", 12]]}),
    "the images are a text": _set("images", "many"),
    "the seconds are a list": _set("seconds", []),
    "the hooks are a number": _set("hooks", 3),
    "the torch state is a number": _set("torch", 3),
    "the torch state is empty": _set(
        "torch", {"items": [[name, {"items": []}] for name in ("optimizer", "scheduler", "scaler", "random")]}
    ),
    "a key of the state is there twice": _state(lambda places: places[""].append(places[""][0])),
    "the origin is a text": _set("made_with", "x"),
    "a tensor that is not there": _set("images", {"tensor": "999"}),
    "the weights have other shapes": _tensors(lambda weights: {name: torch.zeros(3) for name in weights}),
    "the weights have other names": _tensors(lambda weights: {f"x.{name}": each for name, each in weights.items()}),
    "weights that the run does not have": _with_files(
        lambda folder: save_file({"x": torch.zeros(1)}, folder / "averaged.safetensors")
    ),
    "the weights are no safetensors": _with_files(lambda folder: (folder / "model.safetensors").write_bytes(b"evil")),
}
"""Checkpoints that someone changed on purpose, by what was changed; some are sealed again with correct digests."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the checkpoints of steps 6 and 12."""
    from conftest import changed

    folder = tmp_path_factory.mktemp("trained")
    hooks = [{"checkpoint": {"keep": 5}}]
    (folder / "pipeline.json").write_text(json.dumps(changed(train={"epochs": 2, "device": "cpu"}, hooks=hooks)))
    return registry_core.train(registry_core.load(folder / "pipeline.json"), folder / "run").directory


def test_forged_checkpoints_fall_back(trained: Path, tmp_path: Path) -> None:
    promise = "a checkpoint that someone changed, even with correct digests, falls back or is refused, by name"
    reference = _trained_again(trained, tmp_path / "reference")
    with Score("forged checkpoints", promise) as score:
        for number, (kind, change) in enumerate(FORGED.items()):
            run = Path(shutil.copytree(trained, tmp_path / str(number), symlinks=True))
            change(run / "checkpoints" / "step-00000012")
            try:
                found = _trained_again(run)
            except RegistryError as error:
                score.trial("step-00000012" in str(error) and error.exit_code in (4, 5), (kind, error))
            except Exception as error:
                score.trial(False, (kind, repr(error)))
            else:
                score.trial(found == (6, reference[1]), (kind, found[0]))
            shutil.rmtree(run)


def _trained_again(run: Path, copy: Path | None = None) -> tuple[int | None, list[float]]:
    """The step that a run resumes from, and its last weights."""
    if copy is not None:
        run = Path(shutil.copytree(run, copy))
    result = registry_core.resume(run)
    weights = torch.cat([tensor.flatten() for tensor in result.pipeline.model.state_dict().values()])
    return result.summary["resumed_from_step"], weights.tolist()


def test_a_checkpoint_of_another_run_is_left_out_and_kept(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / "run.json").write_text('{"run": "another"}')
    with pytest.raises(RegistryError, match="no intact checkpoint"):
        registry_core.resume(run)
    assert (run / "checkpoints" / "step-00000012").is_dir()


def test_an_older_copy_does_not_stop_the_next_save(trained: Path, tmp_path: Path) -> None:
    """What is at the place of a checkpoint that is due is replaced, also a whole one of another step."""
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints" / "step-00000012")
    shutil.copytree(run / "checkpoints" / "step-00000006", run / "checkpoints" / "step-00000012")
    result = registry_core.resume(run)
    assert result.summary["resumed_from_step"] == 6
    path, found = newest(run / "checkpoints", None, lambda _: None)
    assert (path.name, found.manifest.step) == ("step-00000012", 12)
