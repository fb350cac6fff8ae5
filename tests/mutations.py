"""Pipeline files damaged at random, each by a number that gives the same file again: ``validate`` survives them all.

    python tests/mutations.py 100000 [FIRST]     # numbers FIRST, FIRST + 1, …; prints those that fail

A file is damaged in its bytes (flipped, cut, repeated, spliced), in its tokens (words and punctuation of YAML
exchanged, dropped or doubled), or in its tree (values replaced by others of any type, keys renamed, subtrees moved).
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from registry_core.config.text.tree import read_text
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

ROOT = Path(__file__).parent.parent
LIMIT = 10
"""Seconds that one file may take before it counts as a hang."""

_TOKEN = re.compile(r"\s+|[\w./-]+|.", re.DOTALL)
_WORDS = [
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "-",
        "#",
        "&a",
        "*a",
        "<<",
        "!!str",
        "!!python/name:os.system",
        "'",
        '"',
        "|",
        ">",
        "%",
    ),
    *(
        "?",
        "---",
        "...",
        "\t",
        "\n",
        "~",
        "null",
        "true",
        "no",
        ".nan",
        "-.inf",
        "1e999",
        "0x",
        "9" * 40,
        "-1",
        "0",
        "1e-3",
    ),
    *(
        "${data}",
        "${",
        "$${",
        "extends",
        "vars",
        "version",
        "train",
        "model",
        "loss",
        "sgd",
        "\u202e",
        "\ufeff",
        "é",
        "𝔘",
    ),
]
_VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        3,
        10**30,
        -(10**30),
        0.5,
        1e-300,
        1e300,
        "",
        "x",
        "sgd",
        "train",
        "1",
        "1 epoch",
        "${data}",
    ),
    *(
        [],
        {},
        [[]],
        [1, 2],
        ["to_tensor"],
        {"a": {}},
        {"sgd": None},
        {"to_tensor": {}},
        {"sgd": {"lr": "x"}},
        "\x00",
        "../..",
        "a" * 5000,
    ),
]


def bases() -> list[list[str]]:
    """The texts that are damaged: right ones, and those of the corpus."""
    right = [path for folder in ("examples", "tests/pipelines") for path in sorted((ROOT / folder).rglob("*.yaml"))]
    wrong = sorted((ROOT / "tests" / "mistakes").glob("*/*.yaml"))
    return [[path.read_text(encoding="utf-8", errors="replace") for path in paths] for paths in (right, wrong)]


def mutated(number: int, texts: list[list[str]]) -> bytes:
    """The file of a number."""
    chance = random.Random(number)
    text = chance.choice(chance.choice(texts))
    way: Callable[[str, random.Random], bytes] = (_bytes, _tokens, _tree)[number % 3]
    return way(text, chance)


def _bytes(text: str, chance: random.Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((1, 1, 2, 8, 64))
        way = chance.randrange(5)
        if way == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del data[at : at + length]
        elif way == 2:
            data[at:at] = bytes(chance.randrange(256) for _ in range(length))
        elif way == 3:
            data[at:at] = data[at : at + length] * chance.choice((1, 2, 50))
        else:
            other = chance.randrange(len(data) + 1)
            data[at:at] = data[other : other + length]
    return bytes(data)


def _tokens(text: str, chance: random.Random) -> bytes:
    tokens = _TOKEN.findall(text)
    for _ in range(chance.choice((1, 1, 2, 4, 12))):
        at = chance.randrange(len(tokens))
        way = chance.randrange(4)
        if way == 0:
            tokens[at] = chance.choice(_WORDS)
        elif way == 1:
            tokens[at:at] = [chance.choice(_WORDS)]
        elif way == 2:
            tokens[at] = ""
        else:
            other = chance.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
    return "".join(tokens).encode()


def _tree(text: str, chance: random.Random) -> bytes:
    try:
        data = copy.deepcopy(read_text(text, "base").data)
    except PipelineError:  # a mistake of the corpus that is no YAML
        return _tokens(text, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(_places(data))
        if not places:
            break
        parent, key = chance.choice(places)
        way = chance.randrange(5)
        if way == 0:
            parent[key] = copy.deepcopy(chance.choice(_VALUES))
        elif way == 1:
            other, from_key = chance.choice(places)
            parent[key] = copy.deepcopy(other[from_key])
        elif way == 2 and isinstance(parent, dict):
            parent[chance.choice([*map(str, parent), *_WORDS])] = parent.pop(key)
        elif way == 3:
            parent[key] = [parent[key]] * chance.choice((0, 1, 2, 30))
        else:
            parent[key] = {chance.choice(_WORDS): parent[key]}
    return json.dumps(data).encode()


def _places(data: Any) -> Any:
    """Every place in a tree, as its parent and its key there."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield data, key
        yield from _places(value)


def outcome(data: bytes, path: Path) -> str:
    """What loading a damaged file comes to: ``right``, ``refused``, or what must not be: the error that it raised."""
    path.write_bytes(data)
    try:
        load(path)
    except PipelineError as error:
        if not error.problems or any(not problem.message or not problem.code for problem in error.problems):
            return "refused without a message or a code"
        return "refused"
    except Exception as error:  # whatever it is, a user must not see it
        return f"{type(error).__name__}: {error}"
    return "right"


def _hangs(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"more than {LIMIT} s")


def main() -> None:
    """Try many numbers; exit with 1 if one fails."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    os.chdir(ROOT / "tests" / "mistakes")
    texts, counts, failed = bases(), Counter[str](), 0
    signal.signal(signal.SIGALRM, _hangs)
    began, slowest = time.monotonic(), (0.0, 0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        for number in range(first, first + many):
            data = mutated(number, texts)
            signal.alarm(LIMIT)
            started = time.monotonic()
            found = outcome(data, path)
            signal.alarm(0)
            slowest = max(slowest, (time.monotonic() - started, number))
            counts[found if found in ("right", "refused") else "failed"] += 1
            if found not in ("right", "refused"):
                failed += 1
                print(f"{number}: {found}", flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.monotonic() - began
    print(f"numbers {first} to {first + many - 1}: {dict(counts)} in {seconds:.0f} s, {memory:.0f} MB at most")
    print(f"slowest: number {slowest[1]}, {slowest[0]:.2f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
