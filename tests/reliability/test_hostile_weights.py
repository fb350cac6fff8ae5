"""Hostile files of weights, digits, lists and matrices run nothing, and are refused within 5 seconds and 1 GB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, Ended, changed
from reliability.hostile_data import BESIDE, IDX, LARGE_LISTS, LISTS, MATRICES, longer_than_stated
from reliability.hostile_weights import HARMLESS, LARGE, PLACES, WEIGHTS, archive, bomb, of
from reliability.trials import Score

SECONDS, BYTES = 5, 10**9
HERE = Path(__file__).parent
IMAGES = "train-images-idx3-ubyte"

NAMES = {
    "weights": [*WEIGHTS, *LARGE, *PLACES, *HARMLESS],
    "digits": [*IDX, *PLACES],
    "lists": [*LISTS, *LARGE_LISTS, *PLACES],
    "matrices": [*MATRICES, *PLACES],
}


def written(kind: str, name: str, folder: Path) -> Path:
    """Write a file in a folder of its own, with what lies beside it."""
    folder.mkdir()
    path = folder / (f"{IMAGES}.gz" if name.endswith(".gz") else IMAGES if kind == "digits" else name)
    contents = {**WEIGHTS, **HARMLESS, **IDX, **LISTS} if kind != "matrices" else MATRICES
    places = {**PLACES, **LARGE, **LARGE_LISTS}
    if name in contents:
        path.write_bytes(contents[name]())
    else:
        places[name](path)
    for other, content in BESIDE.get(kind, {}).items():
        (folder / other).write_bytes(content())
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What reading each of the files did, by its kind and name."""
    seen = {}
    for kind, names in NAMES.items():
        folder = tmp_path_factory.mktemp(kind)
        paths = {str(written(kind, name, folder / str(place))): name for place, name in enumerate(names)}
        command = [sys.executable, str(HERE / "read_weights.py"), kind, *paths]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            each = json.loads(line)
            seen[kind, paths[each["path"]]] = each
    return seen


@pytest.mark.parametrize("kind", NAMES)
def test_nothing_happens(found: dict[tuple[str, str], dict[str, Any]], kind: str) -> None:
    promise = f"runs nothing, writes nothing, and is refused within {SECONDS} s and 1 GB in a sentence that names it"
    with Score(f"hostile files: {kind}", promise) as score:
        for name in NAMES[kind]:
            each = found[kind, name]
            ended = each["status"] == 0 and "raised" not in each and each["harm"] == []
            in_time = ended and each["seconds"] < SECONDS and each["bytes"] < BYTES
            score.trial(in_time and _is_refused(name, each), each)


def _is_refused(name: str, each: dict[str, Any]) -> bool:
    if name in HARMLESS:
        return each["said"] == []
    named = name in ONLY_THE_TENSORS or all(Path(each["path"]).name in sentence for sentence in each["said"])
    whole = all(sentence.rstrip().endswith((".", "]")) and len(sentence) < 1_000 for sentence in each["said"])
    return bool(each["said"]) and named and whole


ONLY_THE_TENSORS = {"other_type.pt", "expanded.pt", "tensors.safetensors", "type.safetensors", "metadata.safetensors"}
"""Files that are whole, but whose tensors do not fit the model."""


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("weights", "calls os.system.pt", "holds more than tensors (Unsupported global: GLOBAL os.system)"),
        ("weights", "old builtins.eval.pth", "holds more than tensors (Unsupported global: GLOBAL builtins.eval)"),
        ("weights", "script.pt", "holds more than tensors (a TorchScript program)"),
        ("weights", "bomb.pt", "would expand to 4,026,5"),
        ("weights", "lying_bomb.pt", "its member 'w/data/0' has not the size that it states"),
        ("weights", "checksum.pt", "the checksum of its member 'w/data/0' is wrong, so it is damaged"),
        ("weights", "checksum_of_another.pt", "the checksum of its member 'w/other' is wrong"),
        ("weights", "overlap.pt", "its members lie over each other"),
        ("weights", "twice.pt", "it has several members of one name"),
        ("weights", "members.pt", "it has more than 100,000 members"),
        ("weights", "followed.pt", "something follows its end"),
        ("weights", "length.pt", "The tensor 'weight' of "),
        ("weights", "beyond.pt", "reaches beyond its values in the file"),
        ("weights", "lists.pt", "has more than 1,000,000 operations"),
        ("weights", "legacy_stated.pth", "it is cut off, or its table of the values is damaged"),
        ("weights", "values.pt", "hold NaN: weight"),
        ("weights", "header.safetensors", "its header would have 100,000,000 bytes, more than 5,000,000"),
        ("weights", "overlap.safetensors", "its tensors lie over each other"),
        ("weights", "large.safetensors", "more than 64 times as many as the tensors of the model"),
        ("weights", "larger.safetensors", "has 85,899,346,084 bytes, more than 68,719,476,736"),
        ("weights", "pipe", "it is a named pipe, not a file"),
        ("weights", "endless", "it is a device, not a file"),
        ("digits", "longer.gz", "has more values than its header states, 1920"),
        ("digits", "a_little_longer.gz", "has 1921 values, but its header states 1920"),
        ("digits", "checksum.gz", "incorrect data check"),
        ("digits", "huge.gz", "states 9,903,520,314,283,042,199,192,993,808 bytes, more than 4,294,967,295"),
        ("digits", "many_members.gz", "it has more than 10,000 members"),
        ("digits", "longer", "has 1921 values, but its header states 1920"),
        ("lists", "lines.txt", "has more than 20,000,000 lines"),
        ("lists", "line.txt", "has a line of more than 10,485,760 bytes"),
        ("lists", "large.txt", "has more than 1,073,741,824 bytes"),
        ("lists", "pipe", "it is a named pipe, not a file"),
        ("matrices", "bomb.npz", "would expand to 536,87"),
        ("matrices", "shape.npz", "has not the size that it states"),
        ("matrices", "objects.npz", "it holds objects"),
        ("matrices", "checksum.npz", "the checksum of its member 'transformation_matrix.npy' is wrong"),
    ],
)
def test_the_reason_is_named(found: dict[tuple[str, str], dict[str, Any]], kind: str, name: str, words: str) -> None:
    assert any(words in sentence for sentence in found[kind, name]["said"]), found[kind, name]["said"]


def test_validate_says_it_before_torch_is_imported(command: Callable[..., Ended], tmp_path: Path) -> None:
    """A bomb, code and more digits than stated."""
    model = {"sequential": {"input": [3, 1, 1], "layers": ["flatten", {"linear": {"out_features": 2}}]}}
    for name, content, words in (
        ("bomb.pt", bomb(15 * 2**28), "would expand to 4,026,5"),
        ("code.pt", of(b"cos\nsystem\n)R")(), "holds more than tensors (Unsupported global: GLOBAL os.system)"),
    ):
        (tmp_path / name).write_bytes(content)
        pipeline = changed(model=model, finetune={"weights": str(tmp_path / name)})
        (tmp_path / "pipeline.json").write_text(json.dumps(pipeline))
        ended = command("validate", tmp_path / "pipeline.json")
        assert ended.code == 2
        assert words in ended.err
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / f"{IMAGES}.gz").write_bytes(longer_than_stated())
    for name, make in BESIDE["digits"].items():
        (folder / name).write_bytes(make())
    data = {"dataset": {"mnist": {"root": str(folder)}}, "transforms": ["to_tensor"]}
    (tmp_path / "pipeline.json").write_text(json.dumps(changed(data__train=data, data__val=None)))
    ended = command("validate", tmp_path / "pipeline.json")
    assert ended.code == 2
    assert "has more values than its header states, 1920" in ended.err


def test_torch_alone_expands_and_accepts(tmp_path: Path) -> None:
    """The control: torch expands what is packed, whatever its size, and accepts values whose checksum is wrong."""
    (tmp_path / "packed.pt").write_bytes(bomb_of(2**24))
    found = torch.load(tmp_path / "packed.pt", weights_only=True)
    assert found["weight"].numel() * 4 > 100 * (tmp_path / "packed.pt").stat().st_size
    (tmp_path / "damaged.pt").write_bytes(WEIGHTS["checksum.pt"]())
    assert torch.load(tmp_path / "damaged.pt", weights_only=True)["weight"].shape == (2, 3)


def bomb_of(size: int) -> bytes:
    """A torch file of zeros, of this size when it is expanded."""
    import zipfile

    from hostile_weights import mapping, pickled, storage, tensor

    content = pickled(mapping(weight=tensor(storage(size // 4), (size // 4,), (1,))))
    return archive(content, {"w/data/0": bytes(size)}, compression=zipfile.ZIP_DEFLATED)


def test_nothing_else_reads_pickles() -> None:
    """No module unpickles a file, with or without torch."""
    reading = re.compile(r"torch\.load\(|pickle\.loads?\(|Unpickler|joblib|np\.load\((?!.*allow_pickle=False)")
    sources = [path for folder in ("registry_core", "plugins") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in sources if reading.search(path.read_text())}
    assert len(sources) > 100
    assert {name for name in found if "/tests/" not in name} == {
        "registry_core/assembly/data/packing.py",  # batches of its own loader processes
        "registry_core/testing/of_datasets.py",  # what it pickled itself
        "registry_core/testing/of_transforms.py",
    }
