"""Pipeline files that are small, and cost much where they are read without limits."""

from __future__ import annotations

SYNTAX = {
    "aliases": "\n".join(
        ["a: &a [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1 if n else str()}'] * 9)}]" for n in range(12))]
    ),
    "more aliases than are allowed": "a: &a x\nb: [" + ", ".join(["*a"] * 101) + "]",
    "aliases of mappings": "a: &a {b: &b {c: 1}}\n" + "\n".join(f"k{n}: &k{n} {{x: *a, y: *b}}" for n in range(90)),
    "an alias in its own anchor": "a: &a {b: {c: [*a]}}",
    "depth of brackets": "[" * 400_000,
    "depth of braces": "{a: " * 200_000,
    "depth of dashes": "- " * 400_000,
    "depth of question marks": "? " * 400_000,
    "depth of indentation": "\n".join(" " * n + "a:" for n in range(900)),
    "depth just above the limit": "a: " + "[" * 66 + "]" * 66,
    "a long plain scalar": "a: " + "x" * 999_000,
    "a long quoted scalar": 'a: "' + "x" * 999_000 + '"',
    "a long quoted scalar that does not end": 'a: "' + "x" * 999_000,
    "a long block scalar": "a: |\n" + "  x\n" * 240_000,
    "a long comment": "a: 1 #" + "x" * 999_000,
    "a long key": "x" * 999_000 + ": 1",
    "a huge integer": "seed: " + "9" * 900_000,
    "a huge hexadecimal integer": "seed: 0x" + "f" * 900_000,
    "a huge exponent": "seed: 1e" + "9" * 900_000,
    "a long fraction": "seed: 0." + "1" * 900_000,
    "100,000 keys": "\n".join(f"k{n}: 1" for n in range(70_000)),
    "100,000 keys in one line": "{" + ", ".join(f"k{n}: 1" for n in range(70_000)) + "}",
    "100,000 items": "[" + "1, " * 300_000 + "]",
    "100,000 documents": "---\na\n" * 160_000,
    "100,000 anchors": "[" + ", ".join(f"&a{n} 1" for n in range(70_000)) + "]",
    "100,000 tags": "[" + ", ".join("!!str x" for _ in range(100_000)) + "]",
    "directives": "%YAML 1.2\n" * 90_000 + "--- a",
    "empty lines": "\n" * 999_000,
    "carriage returns": "\r" * 999_000,
    "a file that is too large": "a: " + "x" * 1_100_000,
    "zero bytes": "\0" * 999_000,
    "many escapes": 'a: "' + r"\U0001F600" * 99_000 + '"',
    "many regular-expression stars": "optim: {optimizer: sgd, groups: [{parameters: '"
    + "(a*)*" * 1000
    + "b', lr: 1}]}",
}
"""Files that are refused while they are parsed, or soon after."""


def _repeat(depth: int, times: int, inner: str) -> str:
    for _ in range(depth):
        inner = f"{{repeat: {{times: {times}, layers: [{inner}]}}}}"
    return _model(inner)


def _model(layers: str) -> str:
    return (
        f"model: {{sequential: {{input: [1, 8, 8], layers: [flatten, {layers}, {{linear: {{out_features: 10}}}}]}}}}\n"
    )


def _wrapped(depth: int, before: str, inner: str, after: str) -> str:
    return before * depth + inner + after * depth


def _transforms(text: str) -> str:
    return f"data: {{train: {{transforms: [{text}]}}}}\n"


def _optim(text: str) -> str:
    return f"optim: {{scheduler: null, {text}}}\n"


def _each(form: str, count: int) -> str:
    """A form for each of so many numbers, which replace @ in it."""
    return ", ".join(form.replace("@", str(number)) for number in range(count))


_LONG = "train: {epochs: 1000000000000000}\n"
_IMAGES = "transforms: [{resize: {size: [64, 64]}}, to_tensor, {normalize: {mean: [0.3], std: [0.38]}}]"
_LARGE = "model: {torchvision_model: {arch: resnet152, in_channels: 1, num_classes: 10}}\n"
_LARGE += f"data: {{train: {{{_IMAGES}}}, val: {{{_IMAGES}}}}}\n"
"""A model with many names of parameters, for which images have to be larger."""

_VARIABLE = "metrics: [" + _each("'${a}'", 9000) + "]\n"
_SLOW = "(([a-z0-9.]+)+)+!"

COMPOSED = {
    "a long variable many times": "vars: {a: '" + "x" * 300_000 + "'}\n" + _VARIABLE,
    "a long variable many times in one text": "vars: {a: '" + "x" * 400_000 + "'}\nseed: '" + "${a}" * 120_000 + "'\n",
    "a list many times": f"vars: {{a: [{_each('1', 9000)}]}}\n" + _VARIABLE,
    "a list many times in one text": f"vars: {{a: [{_each('1', 9000)}]}}\nseed: '" + "${a}" * 150_000 + "'\n",
    "variables and aliases": f"vars: {{b: &b [{_each('1', 100)}], a: [{_each('*b', 90)}]}}\n" + _VARIABLE,
    "variables that do not end": "seed: '" + "${" * 400_000 + "'\n",
    "variables that end at once": "seed: '" + "${" * 300_000 + "}" * 300_000 + "'\n",
    "dollars": "seed: '" + "$" * 900_000 + "{'\n",
    "repeated layers": _repeat(1, 1000, _each("relu", 5000)),
    "layers repeated in layers": _repeat(10, 1000, "relu"),
    "layers repeated twice, often": _repeat(14, 2, "relu, relu, relu"),
    "many repetitions": _model(_each("{repeat: {times: 1000, layers: [relu]}}", 3000)),
    "many layers": _model(_each("relu", 18_000)),
    "blocks in blocks": _model(_wrapped(18, "{block: {layers: [relu, ", "relu", "]}}")),
    "shortcuts in shortcuts": _model(_wrapped(18, "{residual: {layers: [relu], shortcut: [", "relu", "]}}")),
    "branches in branches": _model(_wrapped(18, "{concat: {branches: [relu, ", "relu", "]}}")),
    "choices in choices": _transforms(
        _wrapped(18, "{random_choice: {transforms: [{pad: {padding: 1}}, ", "rgb", "]}}")
    ),
    "an order of many": _transforms("{random_order: {transforms: [" + _each("{pad: {padding: @}}", 4000) + "]}}"),
    "choices one after another": _transforms(
        _each("{random_choice: {transforms: [{pad: {padding: 1@}}, {pad: {padding: 2@}}]}}", 60)
    ),
    "views of views": _transforms(_each("{ten_crop: {size: 8}}", 4000)),
    "unknown names": "hooks: [" + _each("progres@", 18_000) + "]\n",
    "unknown names with parameters": "hooks: [" + _each("{chekpoint: {a: @}}", 4800) + "]\n",
    "unknown keys": "".join(f"metric{number}: 1\n" for number in range(9900)),
    "unknown parameters": "model: {net: {" + _each("paddin@: 1", 9900) + "}}\n",
    "numbers in quotes": "model: {mlp: {size: 8, hidden: [" + _each("'1'", 18_000) + "]}}\n",
    "wrong rules": "init: [" + _each("{names: 'conv@', weight: zeros}", 3000) + "]\n",
    "wrong groups": _optim("groups: [" + _each("{parameters: 'c@', lr: 1}", 3000) + "]"),
    "wrong rules of a large model": _LARGE + "init: [" + _each("{names: 'layer1.@.conv', weight: zeros}", 3000) + "]\n",
    "wrong groups of a large model": _LARGE
    + _optim("groups: [" + _each("{parameters: 'c@.weigth', lr: 1}", 3000) + "]"),
    "wrong freezes of a large model": _LARGE + "finetune: {freeze: [" + _each("'c@.weigth'", 9000) + "]}\n",
    "wrong layers of a large model": _LARGE
    + _optim("layer_decay: {factor: 0.5, layers: [" + _each("'c@.weigth'", 9000) + "]}"),
    "right groups of a large model": _LARGE + _optim("groups: [" + _each("{parameters: '.*.*', lr: 1}", 3000) + "]"),
    "names that double": "finetune: {weights: @/WEIGHTS, rename: ["
    + _each("{match: '(.*)', to: '\\1\\1'}", 3000)
    + "]}\n",
    "wrong monitors": "hooks: [" + _each("{early_stopping: {monitor: val/a@}}", 4800) + "]\n",
    "wrong ignores": "ignore: [" + _each("same-dat@", 18_000) + "]\n",
    "wrong preferences": "prefer: {" + _each("los/@: x", 9000) + "}\n",
    "many requirements": "requires: {" + _each("x@: '>=1'", 9000) + "}\n",
    "a slow pattern of groups": _optim(f"groups: [{{parameters: '{_SLOW}', lr: 1}}]"),
    "a slow pattern with alternatives": _optim("groups: [{parameters: '(a|aa|.)*b', lr: 1}]"),
    "a slow pattern with many parts": _optim("groups: [{parameters: '" + ".*" * 30 + "b', lr: 1}]"),
    "a slow pattern to freeze": f"finetune: {{freeze: ['{_SLOW}']}}\n",
    "a slow pattern of rules": f"init: [{{names: '{_SLOW}', weight: zeros}}]\n",
    "a pattern with large counts": _optim("groups: [{parameters: '(a{1,9999}){1,9999}', lr: 1}]"),
    "a pattern of many groups": _optim("groups: [{parameters: '" + "(" * 5000 + "a" + ")" * 5000 + "', lr: 1}]"),
    "a pattern of many alternatives": _optim(
        "groups: [{parameters: '" + _each("a@|", 60_000).replace(", ", "") + "b', lr: 1}]"
    ),
    "many milestones": f"optim: {{scheduler: {{multi_step: {{milestones: [{_each('1@', 9000)}]}}}}}}\n" + _LONG,
    "many schedulers": f"optim: {{scheduler: {{chained: {{schedulers: [{_each('linear', 9000)}]}}}}}}\n" + _LONG,
    "schedulers in schedulers": "optim: {scheduler: "
    + _wrapped(14, "{chained: {schedulers: [linear, ", "linear", "]}}")
    + "}\n",
    "many restarts": "optim: {scheduler: {cosine_annealing_warm_restarts: {t_0: 1, by: step}}}\n" + _LONG,
    "tags of Python": "seed: !!python/object/apply:os.system ['touch HARM']\n",
    "names of Python": "seed: !!python/name:os.system\n",
    "objects of Python": "seed: !!python/object/new:subprocess.Popen [['touch', 'HARM']]\n",
    "other tags": "seed: !include /etc/passwd\ninit: !ENV ${HOME}\n",
    "merge keys": "train: &a {epochs: 1}\ndata: {<<: *a}\n",
}
"""Changes of a right pipeline, which these files extend."""
