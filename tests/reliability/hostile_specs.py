"""Hostile pipeline files, each by a number that makes the same file again: what a stranger may send.

Each is a right pipeline with a hostile payload in it, or a bomb, in YAML or JSON, with options of the command line or
with files that it extends.
"""

from __future__ import annotations

import copy
import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mutations
from bombs import COMPOSED, SYNTAX
from hostile_words import CODE, NUMBERS, PATHS, TEXTS
from mutations import ROOT

from registry_core.diagnostics import PipelineError
from registry_core.loaded import load_unseen

BOMBS = {**SYNTAX, **{name: f"extends: base.yaml\n{text}" for name, text in COMPOSED.items()}}

_BASE = (ROOT / "examples" / "digits.yaml").read_bytes()
_LARGEST = 1_100_000
_FILES = ("root", "index", "weights", "file", "split")
"""Parameters that name files."""


class Spec(NamedTuple):
    """A hostile pipeline: the files of a folder, of which one is loaded, and options; @/ is that folder."""

    kind: str
    files: dict[str, bytes]
    name: str = "pipeline.yaml"
    options: tuple[str, ...] = ()


class Sources(NamedTuple):
    """What hostile pipelines are made of."""

    texts: list[list[str]]
    trees: list[dict[str, Any]]

    @classmethod
    def read(cls) -> Sources:
        """The texts of right and wrong pipelines, and the trees of right ones, each in one file."""
        trees = []
        for folder in ("examples", "tests/pipelines"):
            for path in sorted((ROOT / folder).rglob("*.yaml")):
                try:
                    trees.append(load_unseen(path).tree.data)
                except PipelineError:  # a part that others extend
                    continue
        return cls(mutations.bases(), trees)

    def tree(self, chance: random.Random) -> dict[str, Any]:
        """A right tree, to be changed."""
        return copy.deepcopy(chance.choice(self.trees))


def hostile(number: int, sources: Sources) -> Spec:
    """The pipeline of a number: the first are the bombs, one each."""
    if number < len(BOMBS):
        return _bomb(list(BOMBS)[number])
    return _WAYS[number % len(_WAYS)](random.Random(number), sources)


def _bomb(name: str, text: str | None = None) -> Spec:
    content = (BOMBS[name] if text is None else text).encode("utf-8", "replace")[:_LARGEST]
    return Spec(f"bomb: {name}", {"pipeline.yaml": content, "base.yaml": _BASE})


def _cut_bomb(chance: random.Random, _: Sources) -> Spec:
    """A bomb that ends early, or in which a part comes twice."""
    name = chance.choice(list(BOMBS))
    text = BOMBS[name]
    cut = chance.randrange(len(text) + 1)
    again = text[max(0, cut - chance.randrange(2000)) :] if chance.random() < 0.5 else ""
    return _bomb(name, text[:cut] + again)


def _damaged(chance: random.Random, sources: Sources) -> Spec:
    return Spec("damage", {"pipeline.yaml": mutations.mutated(chance.randrange(10**9), sources.texts)})


def _with_code(chance: random.Random, sources: Sources) -> Spec:
    """A right tree with code as a value, as a key, as a parameter or in the place of a component."""
    name = chance.choice(list(CODE))
    payload: Any = copy.deepcopy(CODE[name])
    data = sources.tree(chance)
    parent, key = chance.choice(list(_places(data)))
    way = chance.randrange(4)
    if way == 0:
        parent[key] = payload
    elif way == 1 and isinstance(parent, dict) and isinstance(payload, str):
        parent[payload] = parent.pop(key)
    elif way == 2 and isinstance(parent[key], dict):
        parent[key] |= payload if isinstance(payload, dict) else {"name": payload}
    else:
        parent[key] = {"sgd": payload} if chance.random() < 0.3 else [payload]
    return _written(f"code: {name}", data, chance)


def _with_path(chance: random.Random, sources: Sources) -> Spec:
    path, data = chance.choice(PATHS), sources.tree(chance)
    for parent, key in _places(data):
        if isinstance(parent[key], str) and ("/" in parent[key] or key in _FILES):
            parent[key] = path
    data["finetune"], train = {"weights": path}, data["data"]["train"]
    if (way := chance.randrange(5)) < 3:
        data.pop("finetune")
        train["dataset"] = (
            {"image_folder": {"root": path}},
            {"image_index": {"index": path}},
            {"mnist": {"root": path}},
        )[way]
    elif way == 3:
        train["transforms"] = ["to_tensor", {"linear_transformation": {"file": path}}]
    return _written(f"path: {path[:30]!r}", data, chance)


def _with_number(chance: random.Random, sources: Sources) -> Spec:
    """Other numbers, most of them of the same type."""
    data = sources.tree(chance)
    data.setdefault("train", {})["epochs"] = chance.choice([1, 3, 10**15])
    numbers = [(parent, key) for parent, key in _places(data) if _is_number(parent[key]) and key != "version"]
    for parent, key in chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 2, 3)))):
        like = [number for number in NUMBERS if type(number) is type(parent[key])]
        parent[key] = copy.deepcopy(chance.choice(like if chance.random() < 0.8 else NUMBERS))
    return _written("number", data, chance)


def _is_number(value: Any) -> bool:
    many = value if isinstance(value, list) and value else [value]
    return all(isinstance(item, (int, float)) for item in many)


def _with_text(chance: random.Random, sources: Sources) -> Spec:
    """A text in the place of a number, or of something else."""
    data = sources.tree(chance)
    scalars = [(parent, key) for parent, key in _places(data) if not isinstance(parent[key], (dict, list))]
    numbers = [(parent, key) for parent, key in scalars if _is_number(parent[key])]
    for parent, key in chance.sample(numbers or scalars, 1) + chance.sample(scalars, chance.choice((0, 0, 1))):
        parent[key] = chance.choice(TEXTS)
    return _written("text for a number", data, chance)


def _with_options(chance: random.Random, sources: Sources) -> Spec:
    data = sources.tree(chance)
    paths = [list(path) for path in _paths(data)]
    options = [_option(chance, list(chance.choice(paths))) for _ in range(chance.choice((1, 1, 2, 4)))]
    return _written("option", data, chance)._replace(options=tuple(options))


def _option(chance: random.Random, keys: list[Any]) -> str:
    if chance.random() < 0.4:
        keys.insert(chance.randrange(len(keys) + 1), chance.choice([*TEXTS, *PATHS, "-1", "+0", "99999999999"]))
    steps = [f'"{key}"' if chance.random() < 0.1 else str(key) for key in keys]
    value: Any = chance.choice([*TEXTS, *NUMBERS, *PATHS, *CODE.values(), "", "null", "[progress]"])
    written = value if isinstance(value, str) else json.dumps(value)
    key = chance.choice((".", ".", ".", "..", "[")).join(steps)
    option = f"{key}{chance.choice(('=', '=', '=', '+=', '-=', '', '=='))}{written[:5000]}"
    return option.replace("\0", "")  # which no option can contain


def _extending(chance: random.Random, sources: Sources) -> Spec:
    """Files that extend others, or what is no file."""
    child, way = sources.tree(chance), chance.randrange(5)
    if way == 0:
        extends = chance.choice([*PATHS, *CODE.values(), *NUMBERS, ["a", "b"]])
        return _written("extends anything", {**child, "extends": extends}, chance)
    if way == 1:
        many = chance.choice((3, 40, 150, 3000))
        files = {f"b{n}.yaml": f"extends: b{n + 1}.yaml\nseed: {n}\n".encode() for n in range(many)}
        return Spec("chain", {**files, f"b{many}.yaml": json.dumps(child).encode()}, "b0.yaml")
    if way == 2:
        large = b"x: [" + b"1, " * 15_000 + b"]\n#" + b"x" * 700_000
        files = {f"b{n}.yaml": f"extends: b{n + 1}.yaml\n".encode() + large for n in range(30)}
        return Spec("large chain", {**files, "b30.yaml": b"version: 1\n"}, "b0.yaml")
    if way == 3:
        damaged = mutations.mutated(3 * chance.randrange(10**8) + 2, [[json.dumps(child)]])
        found = json.loads(damaged)
        child = found if isinstance(found, dict) else {"data": found}
    base = {"base.yaml": json.dumps(sources.tree(chance)).encode()}
    return Spec("merged", base | {"child.json": json.dumps({**child, "extends": "base.yaml"}).encode()}, "child.json")


def _with_variables(chance: random.Random, sources: Sources) -> Spec:
    data = sources.tree(chance)
    names = ["a", "b", chance.choice([*"cd\u00e9\u00b2", *TEXTS])]
    values: list[Any] = [*TEXTS, *NUMBERS, "${a}", "${b}${b}", [1, "${a}"], {"a": 1}, [["to_tensor"]], "x" * 20_000]
    data["vars"] = {name: chance.choice(values) for name in names}
    places = list(_places(data))
    parts = [*(f"${{{name}}}" for name in names), "$", "{", "}", "$${a}", "x"]
    for parent, key in chance.sample(places, min(len(places), chance.choice((1, 3, 30)))):
        parent[key] = "".join(chance.choices(parts, k=chance.choice((1, 1, 3, 40))))
    return _written("variables", data, chance)


_WAYS: list[Callable[[random.Random, Sources], Spec]] = [
    *(_cut_bomb, _damaged, _with_code, _with_path, _with_number, _with_number, _with_text, _with_options),
    *(_extending, _with_variables),
]


def _written(kind: str, data: Any, chance: random.Random) -> Spec:
    """The tree as JSON, which is YAML too, with lone surrogates as escapes."""
    name = chance.choice(("pipeline.yaml", "pipeline.json"))
    return Spec(kind, {name: json.dumps(data).encode()}, name)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as its parent and its key there."""
    for path in list(_paths(data)):
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        yield parent, path[-1]


def _paths(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*above, key)
        yield from _paths(value, (*above, key))


def write(spec: Spec, folder: Path) -> tuple[Path, list[str]]:
    """Write the files of a pipeline into a folder with a pipe, a socket and the like; the path and the options."""
    folder.mkdir()
    os.mkfifo(folder / "FIFO")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "SOCKET"))
    (folder / "LOOP").symlink_to("LOOP")
    (folder / "FOLDER").mkdir()
    header = json.dumps({"a" * 99: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "WEIGHTS").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    for name, content in spec.files.items():
        (folder / name).write_bytes(content.replace(b"@/", f"{folder}/".encode()))
    return folder / spec.name, [option.replace("@/", f"{folder}/") for option in spec.options]
