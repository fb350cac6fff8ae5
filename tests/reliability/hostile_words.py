"""Words that a stranger may write in a pipeline file: code in disguise, paths to what is no file, odd numbers."""

from __future__ import annotations

from typing import Any

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


def _words(text: str) -> list[str]:
    return text.split()


PATHS = [
    *_words("/dev/zero /dev/random /dev/tty /dev/stdin /dev/null /dev/full /proc/self/environ /proc/self/mem"),
    *_words(
        "/proc/self/fd/0 /etc/passwd ../../../../etc/passwd ~root ~nobody/x ~no-such-user/x //host/share - . .. ./"
    ),
    *_words("file:///etc/passwd http://127.0.0.1:1/x ftp://127.0.0.1/x s3://bucket/key hf://datasets/x C:\\x"),
    *_words("\\\\host\\share @/FIFO @/SOCKET @/LOOP @/FOLDER @/WEIGHTS @/pipeline.yaml * [a-z] $HOME %APPDATA% con"),
    *("x" * 300, "x/" * 3000, "a\x00b", "\ud800", "", "\u202e", "|touch HARM"),
]
"""Paths, most of which lead to no file; @ is the folder of the pipeline, in which there are a pipe and the like."""

NUMBERS: list[Any] = [
    *(0, -0.0, -1, 1, 2, 7, 1000, 10**6, 10**9, 10**12, 10**15, 10**18, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30),
    *(10**300, -(10**300), 1e308, -1e308, 1e-320, 5e-324, 0.1 + 0.2, 1 - 1e-16, True, [10**12, 10**12], [-1, -1]),
    *([10**300] * 3, [0, 0], [0.0, 0.0], 1e16, 1e15 + 0.5, 65_536, 100_000),
]
"""Numbers at the limits of types, and beyond what fits into any machine."""

TEXTS = [
    *_words("0x10 0X1F 0o17 0b1 017 1_000 1__0 _1 1e5 1E5 1e999 -1e999 .5 5. . - + -0 +0 --1 inf -inf .inf .nan nan"),
    *_words("NaN Infinity \u0663 \u00b2 \u2460 \u2167 \uff13 \u0967\u0968 \u00bd 0\u0663 \u0661\u0662 \u22121 1/0"),
    *_words("10**300 10**301 9**9**9 10^-300 1e5000 99999% 1k 1,5 1.000,5 1'000 1:30 2024-01-01 12:30:45.5"),
    *("9" * 4300, "9" * 4301, "9" * 5000, "9" * 5000 + "%", "1" * 400 + "e400", "0." + "1" * 5000, "1/" + "9" * 400),
    *(
        "0x" + "f" * 4000,
        "0o" + "7" * 4000,
        "9" * 400 + "k",
        "1 000",
        "1 %",
        "epoch",
        "1 epoch",
        "5 epochs",
        "0 epochs",
    ),
    *("-1 epochs", "9" * 5000 + " epochs", "\u0663 epochs", "\u00b2 steps", "1e3 steps", "1.5 epochs", "0x10 steps"),
    *(
        "1_000 steps",
        "1 epoch ",
        "1  epoch",
        "1\u00a0epoch",
        "true",
        "yes",
        "null",
        "~",
        "None",
        "[1, 2]",
        "[",
        "{",
        "{a",
    ),
]
"""Numbers and lengths as texts, some in forms of other languages and scripts, or too long to be read."""
