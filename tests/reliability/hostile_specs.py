"""Hostile pipeline files, each by a number that makes the same file again: what a stranger may send.

Each is made of a right pipeline with a hostile payload in it, or is a bomb of its own, in YAML or JSON, with options of
the command line or with files that it extends.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mutations
from mutations import ROOT

from registry_core.diagnostics import PipelineError
from registry_core.loaded import load_unseen


class Spec(NamedTuple):
    """A hostile pipeline: the files of a folder, of which one is loaded, and options."""

    kind: str
    files: dict[str, bytes]
    name: str = "pipeline.yaml"
    options: tuple[str, ...] = ()


CODE = {
    "hydra target": {"_target_": "os.system", "_args_": ["touch HARM"]},
    "hydra partial": {"_target_": "functools.partial", "_partial_": True, "_args_": ["posix._exit", 1]},
    "hydra recursion": {"_target_": "builtins.eval", "_recursive_": True, "expression": "open('HARM', 'w')"},
    "jsonargparse class": {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", "HARM"]}},
    "torchtune component": {"_component_": "os.system", "command": "touch HARM"},
    "lightning instantiator": {"_instantiator": "lightning.pytorch.cli.instantiate_module", "_class_path": "os.system"},
    "python class": {"__class__": "subprocess.Popen", "__init__": ["touch", "HARM"]},
    "reduce": {"__reduce__": ["os.system", ["touch HARM"]]},
    "jsonpickle": {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch HARM"]}]},
    "jsonpickle object": {"py/object": "subprocess.Popen", "py/newargs": [["touch", "HARM"]]},
    "mmengine type": {"type": "os.system", "command": "touch HARM"},
    "detectron lazy": {"_target_": "detectron2.config.instantiate", "cfg": "touch HARM"},
    "class name": "os.system",
    "exit": "posix._exit",
    "entry point": "os:system",
    "builtin": "builtins:exec",
    "torch class": "torch.nn.Linear",
    "module": "torch.hub",
    "dunder": "__import__('os').system('touch HARM')",
    "lambda": "lambda: __import__('os').system('touch HARM')",
    "format": "{0.__class__.__mro__[1].__subclasses__}",
    "percent": "%(__class__)s",
    "jinja": "{{ ''.__class__.__mro__[1].__subclasses__()[40]('HARM', 'w') }}",
    "jinja block": "{% import os %}{{ os.system('touch HARM') }}",
    "omegaconf environment": "${oc.env:HOME}",
    "omegaconf decode": "${oc.decode:__import__('os')}",
    "omegaconf resolver": '${eval:\'__import__("os").system("touch HARM")\'}',
    "environment": "${HOME}",
    "shell": "$(touch HARM)",
    "backticks": "`touch HARM`",
    "pipe": "| touch HARM",
    "semicolon": "x; touch HARM",
    "numpy header": "\x93NUMPY\x01\x00",
    "pickle": "\x80\x04cos\nsystem\n(S'touch HARM'\ntR.",
    "distribution": "evil:loss",
    "distribution path": "../evil:loss",
    "other kind": "registry-core:sgd",
    "capital": "SGD",
    "look-alike": "ѕgd",
    "full width": "ｓｇｄ",
    "zero width": "s\u200bgd",
    "right to left": "\u202edgs",
    "escape": "\x1b]0;title\x07\x1b[2J",
    "null": "sgd\x00.py",
    "surrogate": "\ud800",
    "newline": "sgd\nimport os",
    "version": "sgd.v1",
    "long": "sgd" * 5000,
    "many dots": "." * 3000,
}
"""Texts and mappings that some program takes for code, or for the name of code."""

PATHS = [
    *("/dev/zero", "/dev/random", "/dev/tty", "/dev/stdin", "/dev/null", "/dev/full", "/proc/self/environ"),
    *(
        "/proc/self/mem",
        "/proc/self/fd/0",
        "/etc/passwd",
        "../../../../etc/passwd",
        "~root",
        "~nobody/x",
        "//host/share",
    ),
    *("file:///etc/passwd", "http://127.0.0.1:1/x", "ftp://127.0.0.1/x", "s3://bucket/key", "hf://datasets/x", "C:\\x"),
    *(
        "\\\\host\\share",
        "x" * 300,
        "x/" * 3000,
        "a\x00b",
        "\ud800",
        "-",
        "",
        ".",
        "..",
        "./",
        "FIFO",
        "SOCKET",
        "LOOP",
    ),
    *("FOLDER", "pipeline.yaml", "*", "[a-z]", "$HOME", "%APPDATA%", "\u202e", "con", "aux.txt", "|touch HARM"),
]

NUMBERS: list[Any] = [
    *(0, -0.0, -1, 1, 2, 7, 1000, 10**6, 10**9, 10**12, 10**15, 10**18, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30),
    *(10**300, -(10**300), 1e308, -1e308, 1e-320, 5e-324, 0.1 + 0.2, 1 - 1e-16, True, [10**12, 10**12], [-1, -1]),
    *([10**300] * 3, [0, 0], [0.0, 0.0], 1e16, 1e15 + 0.5, 65_536, 100_000),
]

TEXTS = [
    *(
        "0x10",
        "0X1F",
        "0o17",
        "0b1",
        "017",
        "1_000",
        "1__0",
        "_1",
        "1e5",
        "1E5",
        "1e999",
        "-1e999",
        ".5",
        "5.",
        ".",
        "-",
        "+",
    ),
    *(
        "-0",
        "+0",
        "--1",
        "inf",
        "-inf",
        ".inf",
        ".nan",
        "nan",
        "NaN",
        "Infinity",
        "٣",
        "²",
        "①",
        "Ⅷ",
        "３",
        "१२",
        "½",
        "0٣",
    ),
    *(
        "9" * 5000,
        "9" * 5000 + "%",
        "1" * 400 + "e400",
        "0." + "1" * 5000,
        "9" * 4300,
        "9" * 4301,
        "1/0",
        "1/" + "9" * 400,
    ),
    *(
        "0x" + "f" * 4000,
        "0o" + "7" * 4000,
        "10**300",
        "10**301",
        "9**9**9",
        "10^-300",
        "1e5000",
        "99999%",
        "1 %",
        "1k",
        "9" * 400 + "k",
    ),
    *(
        "1 epoch",
        "5 epochs",
        "0 epochs",
        "-1 epochs",
        "9" * 5000 + " epochs",
        "٣ epochs",
        "² steps",
        "1e3 steps",
        "1.5 epochs",
    ),
    *(
        "0x10 steps",
        "1_000 steps",
        "1 epoch ",
        "1  epoch",
        "1\u00a0epoch",
        "epoch",
        "1,5",
        "1.000,5",
        "1'000",
        "1 000",
        "\u22121",
    ),
    *("true", "yes", "null", "~", "None", "[1, 2]", "[", "{", "{a", "1:30", "2024-01-01", "12:30:45.5", "\u0661\u0662"),
]
"""Numbers as texts, some in forms of other languages and scripts, or so long that reading them takes long."""


def _layers(count: int, times: Any, inner: str) -> str:
    for _ in range(count):
        inner = f"{{repeat: {{times: {times}, layers: [{inner}]}}}}"
    return f"model: {{sequential: {{input: [1, 8, 8], layers: [flatten, {inner}, {{linear: {{out_features: 10}}}}]}}}}"


def _wrapped(count: int, before: str, inner: str, after: str) -> str:
    return before * count + inner + after * count


_BASE = (ROOT / "examples" / "digits.yaml").read_text(encoding="utf-8")
_START = "extends: base.yaml\n"

_IMAGES = "[{resize: {size: [64, 64]}}, to_tensor, {normalize: {mean: [0.3], std: [0.38]}}]"
_LARGE = (
    "model: {torchvision_model: {arch: resnet152, in_channels: 1, num_classes: 10}}\n"
    f"data: {{train: {{transforms: {_IMAGES}}}, val: {{transforms: {_IMAGES}}}}}\n"
)
"""A model with many names of parameters, for which images have to be larger."""

BOMBS: dict[str, str] = {
    "text variables": _START + "vars: {a: '" + "x" * 300_000 + "'}\nmetrics: [" + ", ".join(["'${a}'"] * 9000) + "]\n",
    "text variables in one": _START + "vars: {a: '" + "x" * 400_000 + "'}\nmetrics: ['" + "${a}" * 120_000 + "']\n",
    "list variables": _START
    + f"vars: {{a: [{', '.join(['1'] * 9000)}]}}\nmetrics: ["
    + ", ".join(["'${a}'"] * 9000)
    + "]\n",
    "list variables in text": _START
    + f"vars: {{a: [{', '.join(['1'] * 9000)}]}}\nmetrics: ['"
    + "${a}" * 150_000
    + "']\n",
    "variables and aliases": _START
    + f"vars: {{a: &a [{', '.join(['1'] * 100)}], b: [{', '.join(['*a'] * 90)}]}}\nmetrics: ["
    + ", ".join(["'${b}'"] * 9000)
    + "]\n",
    "open variables": _START + "metrics: ['" + "${" * 400_000 + "']\n",
    "open variables and a brace": _START + "metrics: ['" + "${" * 300_000 + "}" * 300_000 + "']\n",
    "dollars": _START + "metrics: ['" + "$" * 900_000 + "{']\n",
    "repeat": _START + _layers(1, 1000, ", ".join(["relu"] * 5000)),
    "nested repeat": _START + _layers(10, 1000, "relu"),
    "nested repeat of two": _START + _layers(14, 2, "relu, relu, relu"),
    "repeats": _START
    + "model: {sequential: {input: [1, 8, 8], layers: [flatten, "
    + ", ".join(["{repeat: {times: 1000, layers: [relu]}}"] * 3000)
    + "]}}",
    "nested blocks": _START
    + "model: {sequential: {input: [1, 8, 8], layers: ["
    + _wrapped(18, "{block: {layers: [relu, ", "relu", "]}}")
    + "]}}",
    "nested residuals": _START
    + "model: {sequential: {input: [1, 8, 8], layers: ["
    + _wrapped(18, "{residual: {layers: [relu], shortcut: [", "relu", "]}}")
    + "]}}",
    "nested choices": _START
    + "data: {train: {transforms: ["
    + _wrapped(18, "{random_choice: {transforms: [{pad: {padding: 1}}, ", "to_tensor", "]}}")
    + "]}}",
    "orders": _START
    + "data: {train: {transforms: [{random_order: {transforms: ["
    + ", ".join(f"{{pad: {{padding: {n}}}}}" for n in range(1, 4000))
    + "]}}]}}",
    "choices in sequence": _START
    + "data: {train: {transforms: ["
    + ", ".join(
        f"{{random_choice: {{transforms: [{{pad: {{padding: {2**n}}}}}, {{pad: {{padding: {3**n}}}}}]}}}}"
        for n in range(60)
    )
    + "]}}",
    "crops of crops": _START + "data: {train: {transforms: [" + ", ".join(["{ten_crop: {size: 8}}"] * 4000) + "]}}",
    "unknown names": _START + "hooks: [" + ", ".join(f"progres{n}" for n in range(18_000)) + "]\n",
    "unknown names with parameters": _START
    + "hooks: ["
    + ", ".join(f"{{chekpoint: {{a: {n}}}}}" for n in range(4800))
    + "]\n",
    "unknown keys": _START + "".join(f"metric{n}: 1\n" for n in range(9900)),
    "unknown parameters": _START + "model: {net: {" + ", ".join(f"paddin{n}: 1" for n in range(9900)) + "}}\n",
    "quoted numbers": _START + "model: {mlp: {size: 8, hidden: [" + ", ".join("'1'" for _ in range(18_000)) + "]}}\n",
    "wrong rules": _START + "init: [" + ", ".join(f"{{names: 'conv{n}', weight: zeros}}" for n in range(4000)) + "]\n",
    "wrong patterns": _START
    + "finetune: {freeze: ["
    + ", ".join(f"'conv{n}[.]weigth'" for n in range(9000))
    + "]}\n"
    + _LARGE,
    "wrong groups": _START
    + "optim: {scheduler: null, groups: ["
    + ", ".join(f"{{parameters: 'c{n}', lr: 1}}" for n in range(3800))
    + "]}\n",
    "wrong groups of a large model": _START
    + _LARGE
    + "optim: {scheduler: null, groups: ["
    + ", ".join(f"{{parameters: 'layer1.{n}.conv1.weigth', lr: 1}}" for n in range(3800))
    + "]}\n",
    "wrong rules of a large model": _START
    + _LARGE
    + "init: ["
    + ", ".join(f"{{names: 'layer1.{n}.conv', weight: zeros}}" for n in range(3800))
    + "]\n",
    "wrong freezes of a large model": _START
    + _LARGE
    + "finetune: {freeze: ["
    + ", ".join(f"'layer1.{n}.conv1.weigth'" for n in range(9000))
    + "]}\n",
    "wrong layers of a large model": _START
    + _LARGE
    + "optim: {scheduler: null, layer_decay: {factor: 0.5, layers: ["
    + ", ".join(f"'layer1.{n}.conv1.weigth'" for n in range(9000))
    + "]}}\n",
    "renames": _START
    + "finetune: {weights: FOLDER_OF_THE_PIPELINE/WEIGHTS, rename: ["
    + ", ".join("{match: '(.*)', to: '\\1\\1'}" for _ in range(3000))
    + "]}\n",
    "wrong monitors": _START
    + "hooks: ["
    + ", ".join(f"{{early_stopping: {{monitor: val/a{n}}}}}" for n in range(4800))
    + "]\n",
    "wrong ignores": _START + "ignore: [" + ", ".join(f"same-dat{n}" for n in range(18_000)) + "]\n",
    "wrong preferences": _START + "prefer: {" + ", ".join(f"los/{n}: x" for n in range(9000)) + "}\n",
    "many requirements": _START + "requires: {" + ", ".join(f"x{n}: '>=1'" for n in range(9000)) + "}\n",
    "slow pattern": _START + "optim: {scheduler: null, groups: [{parameters: '(a*)*(a*)*(a|a|a)*b', lr: 1}]}\n",
    "slow pattern on names": _START
    + "optim: {scheduler: null, groups: [{parameters: '(.*.*.*.*.*.*.*.*.*.*.*)*!', lr: 1}]}\n",
    "slow freeze": _START + "finetune: {freeze: ['(([a-z0-9.]+)+)+!']}\n",
    "slow rule": _START + "init: [{names: '(([a-z0-9.]+)+)+!', weight: zeros}]\n",
    "large pattern": _START + "optim: {scheduler: null, groups: [{parameters: '(a{1,9999}){1,9999}', lr: 1}]}\n",
    "deep pattern": _START
    + "optim: {scheduler: null, groups: [{parameters: '"
    + "(" * 5000
    + "a"
    + ")" * 5000
    + "', lr: 1}]}\n",
    "many alternatives": _START
    + "optim: {scheduler: null, groups: [{parameters: '"
    + "|".join(f"a{n}" for n in range(60_000))
    + "', lr: 1}]}\n",
    "milestones": _START
    + "optim: {scheduler: {multi_step: {milestones: ["
    + ", ".join(map(str, range(1, 18_000)))
    + "]}}}\ntrain: {epochs: 1000000000000000}\n",
    "schedulers": _START
    + "optim: {scheduler: {chained: {schedulers: ["
    + ", ".join(["cosine_annealing"] * 9000)
    + "]}}}\ntrain: {epochs: 1000000000000000}\n",
    "nested schedulers": _START
    + "optim: {scheduler: "
    + _wrapped(14, "{chained: {schedulers: [cosine_annealing, ", "cosine_annealing", "]}}")
    + "}\n",
    "restarts": _START
    + "optim: {scheduler: {cosine_annealing_warm_restarts: {t_0: 1, by: step}}}\ntrain: {epochs: 1000000000000000}\n",
    "aliases": "\n".join(
        ["a: &a [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1 if n else str()}'] * 9)}]" for n in range(12))]
    ),
    "a cycle": "a: &a {b: {c: [*a]}}",
    "brackets": "[" * 400_000,
    "question marks": "? " * 400_000,
    "a huge integer": "seed: " + "9" * 900_000,
    "a huge hexadecimal integer": "seed: 0x" + "f" * 900_000,
    "keys": "\n".join(f"k{n}: 1" for n in range(70_000)),
    "documents": "---\na\n" * 160_000,
    "directives": "%YAML 1.2\n" * 90_000 + "--- a",
    "tags": "[" + ", ".join("!!str x" for _ in range(100_000)) + "]",
    "python tags": "a: !!python/object/apply:os.system ['touch HARM']\n",
    "python names": "a: !!python/name:os.system\n",
    "python modules": "a: !!python/object/new:subprocess.Popen [['touch', 'HARM']]\n",
    "custom tags": "a: !include /etc/passwd\nb: !ENV ${HOME}\n",
    "merge keys": "a: &a {b: 1}\nc: {<<: *a}\n",
    "zero bytes": "\0" * 999_000,
    "empty": "",
    "comments": "# x\n" * 240_000,
    "JSON with comments": '{"version": 1, // one\n "seed": 0}',
    "long text": "a: |\n" + "  x\n" * 240_000,
    "long key": "x" * 999_000 + ": 1",
    "only text": "x" * 999_000,
    "a list": "- 1\n" * 15_000,
}
"""Whole files that are small, and cost much where they are read without limits."""


def right_trees() -> list[dict[str, Any]]:
    """The right pipelines that payloads are put into, each in one file."""
    found = []
    for folder in ("examples", "tests/pipelines"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            try:
                found.append(load_unseen(path).tree.data)
            except PipelineError:  # a part that others extend
                continue
    return found


def hostile(number: int, texts: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    """The pipeline of a number."""
    chance = random.Random(number)
    if number < len(BOMBS):
        name = list(BOMBS)[number]
        return Spec(
            f"bomb: {name}", {"pipeline.yaml": BOMBS[name].encode("utf-8", "replace"), "base.yaml": _BASE.encode()}
        )
    ways: list[Callable[[random.Random, list[list[str]], list[dict[str, Any]]], Spec]] = [
        *(_damaged, _with_code, _with_path, _with_number, _with_number, _with_text, _with_option, _extending),
        *(_with_variables, _twice),
    ]
    return ways[number % len(ways)](chance, texts, trees)


def _damaged(chance: random.Random, texts: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    return Spec("damage", {"pipeline.yaml": mutations.mutated(chance.randrange(10**9), texts)})


def _with_code(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    name = chance.choice(list(CODE))
    data = _inserted(chance, trees, copy.deepcopy(CODE[name]))
    return _written(f"code: {name}", data, chance)


def _with_path(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    path, data = chance.choice(PATHS), copy.deepcopy(chance.choice(trees))
    for parent, key in _places(data):
        if isinstance(parent[key], str) and (
            "/" in parent[key] or key in ("root", "index", "weights", "file", "split")
        ):
            parent[key] = path
    kind = chance.randrange(3)
    if kind == 0:
        data["finetune"] = {"weights": path}
    elif kind == 1:
        data["data"]["train"]["dataset"] = chance.choice(
            [{"image_folder": {"root": path}}, {"image_index": {"index": path}}, {"mnist": {"root": path}}]
        )
    else:
        data["data"]["train"]["transforms"] = [{"linear_transformation": {"file": path}}]
    return _written(f"path: {path[:30]!r}", data, chance)


def _with_number(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    data = copy.deepcopy(chance.choice(trees))
    data.setdefault("train", {})["epochs"] = chance.choice([1, 3, 10**15])
    numbers = [(parent, key) for parent, key in _places(data) if _is_number(parent[key]) and key != "version"]
    for parent, key in chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 2, 3)))):
        like = [number for number in NUMBERS if type(number) is type(parent[key])]
        parent[key] = copy.deepcopy(chance.choice(like if chance.random() < 0.8 else NUMBERS))
    return _written("number", data, chance)


def _is_number(value: Any) -> bool:
    many = isinstance(value, list) and value and all(isinstance(item, (int, float)) for item in value)
    return isinstance(value, (int, float)) or bool(many)


def _with_text(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    data = copy.deepcopy(chance.choice(trees))
    scalars = [(parent, key) for parent, key in _places(data) if not isinstance(parent[key], (dict, list))]
    numbers = [(parent, key) for parent, key in scalars if _is_number(parent[key])]
    for parent, key in chance.sample(numbers or scalars, 1) + chance.sample(scalars, chance.choice((0, 0, 1))):
        parent[key] = chance.choice(TEXTS)
    return _written("text for a number", data, chance)


def _with_option(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    data = copy.deepcopy(chance.choice(trees))
    options = []
    for _number in range(chance.choice((1, 1, 2, 4))):
        keys = chance.choice([[*path] for path in _paths(data)])
        if chance.random() < 0.4:
            keys.insert(chance.randrange(len(keys) + 1), chance.choice([*TEXTS, *PATHS, "-1", "+0", "99999999999"]))
        steps = [f'"{key}"' if chance.random() < 0.1 else str(key) for key in keys]
        value: Any = chance.choice([*TEXTS, *NUMBERS, *PATHS, *CODE.values(), "", "null", "[progress]"])
        operator = chance.choice(("=", "=", "=", "+=", "-=", "", "=="))
        written = value if isinstance(value, str) else json.dumps(value)
        options.append(f"{chance.choice(('.', '.', '.', '..', '[')).join(steps)}{operator}{written[:5000]}")
    return _written("option", data, chance)._replace(options=tuple(option.replace("\0", "") for option in options))


def _extending(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    way = chance.randrange(5)
    if way == 0:
        child = {**chance.choice(trees), "extends": chance.choice([*PATHS, *CODE.values(), *NUMBERS, ["a", "b"]])}
        return _written("extends anything", child, chance)
    if way == 1:
        many = chance.choice((3, 40, 150, 3000))
        files = {f"b{n}.yaml": f"extends: b{n + 1}.yaml\nseed: {n}\n".encode() for n in range(many)}
        last = {f"b{many}.yaml": json.dumps(chance.choice(trees)).encode()}
        return Spec("chain", {**files, **last}, "b0.yaml")
    if way == 2:
        large = ("x: [" + ", ".join(["1"] * 15_000) + "]\n#" + "x" * 700_000).encode()
        files = {f"b{n}.yaml": f"extends: b{n + 1}.yaml\n".encode() + large for n in range(30)}
        return Spec("large chain", {**files, "b30.yaml": b"version: 1\n"}, "b0.yaml")
    base, over = chance.choice(trees), chance.choice(trees)
    if way == 3:
        over = json.loads(mutations.mutated(3 * chance.randrange(10**8) + 2, [[json.dumps(over)]]) or b"{}")
    if not isinstance(over, dict):
        over = {"data": over}
    files = {
        "base.yaml": json.dumps(base).encode(),
        "child.json": json.dumps({**over, "extends": "base.yaml"}).encode(),
    }
    return Spec("merged", files, "child.json")


def _with_variables(chance: random.Random, _: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    data = copy.deepcopy(chance.choice(trees))
    names = ["a", "b", chance.choice(list("cdé²") + TEXTS[:60])]
    values: list[Any] = [*TEXTS, *NUMBERS, "${a}", "${b}${b}", [1, "${a}"], {"a": 1}, [["to_tensor"]], "x" * 20_000]
    data["vars"] = {name: chance.choice(values) for name in names}
    places = list(_places(data))
    for parent, key in chance.sample(places, min(len(places), chance.choice((1, 3, 30)))):
        text = "".join(
            chance.choice([f"${{{chance.choice(names)}}}", "$", "{", "}", "$${a}", "x"])
            for _ in range(chance.choice((1, 1, 3, 40)))
        )
        parent[key] = text
    return _written("variables", data, chance)


def _twice(chance: random.Random, texts: list[list[str]], trees: list[dict[str, Any]]) -> Spec:
    """A bomb that is cut, or that has another length."""
    name = chance.choice(list(BOMBS))
    text = BOMBS[name]
    cut = chance.randrange(len(text) + 1)
    text = text[:cut] if chance.random() < 0.5 else text[:cut] + text[max(0, cut - chance.randrange(2000)) :]
    files = {"pipeline.yaml": text.encode("utf-8", "replace")[:1_100_000], "base.yaml": _BASE.encode()}
    return Spec(f"cut bomb: {name}", files)


def _inserted(chance: random.Random, trees: list[dict[str, Any]], payload: Any) -> dict[str, Any]:
    """A right tree with a payload as a value, as a key, as a parameter or in the place of a component."""
    data = copy.deepcopy(chance.choice(trees))
    places = list(_places(data))
    parent, key = chance.choice(places)
    way = chance.randrange(4)
    if way == 0:
        parent[key] = payload
    elif way == 1 and isinstance(parent, dict) and isinstance(payload, str):
        parent[payload] = parent.pop(key)
    elif way == 2 and isinstance(parent[key], dict):
        parent[key] |= payload if isinstance(payload, dict) else {"name": payload}
    else:
        parent[key] = {"sgd": payload} if chance.random() < 0.3 else [payload]
    return data


def _written(kind: str, data: Any, chance: random.Random) -> Spec:
    """The tree as JSON, which is YAML too, with lone surrogates as escapes."""
    name = chance.choice(("pipeline.yaml", "pipeline.json"))
    return Spec(kind, {name: json.dumps(data).encode()}, name)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as its parent and its key there."""
    items = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for key, value in items:
        yield data, key
        yield from _places(value)


def _paths(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*above, key)
        yield from _paths(value, (*above, key))


def write(spec: Spec, folder: Path) -> Path:
    """Write the files of a pipeline into a folder, in which PATHS lead to a pipe, a link to itself and a folder."""
    folder.mkdir()
    os.mkfifo(folder / "FIFO")
    (folder / "LOOP").symlink_to("LOOP")
    (folder / "FOLDER").mkdir()
    header = json.dumps({"a" * 99: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "WEIGHTS").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    for name, content in spec.files.items():
        (folder / name).write_bytes(content.replace(b"FOLDER_OF_THE_PIPELINE", str(folder).encode()))
    return folder / spec.name
