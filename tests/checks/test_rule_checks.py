"""Rules that choose parameters are checked without torch, as the build checks them on the model itself."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended, changed, python
from safetensors.torch import _TYPES, save_file
from torch import nn

import registry_core
from registry_core.analysis.patterns import nearest_pattern
from registry_core.analysis.stored_weights import opened, stored_weights
from registry_core.assembly.preview import preview_of
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load_unseen
from registry_core.planning.make import make_plan
from registry_core.registry import registries

NET = {"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}}
NORMED = {
    "sequential": {
        "input": [1, 8, 8],
        "layers": [
            {"conv2d": {"name": "conv", "out_channels": 4, "kernel_size": 3, "bias": False}},
            {"batch_norm2d": {"name": "norm", "affine": False}},
            "relu",
            "flatten",
            {"linear": {"name": "head", "out_features": 10}},
        ],
    }
}
SGD = {"sgd": {"lr": 0.1}}


def init(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"init": list(rules)}


def groups(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"optim": {"optimizer": SGD, "groups": list(rules)}, **more}


def layers(*patterns: str) -> dict[str, Any]:
    return {"optim": {"optimizer": SGD, "layer_decay": {"factor": 0.5, "layers": list(patterns)}}}


def freeze(*patterns: str, **more: Any) -> dict[str, Any]:
    return {"finetune": {"freeze": list(patterns), **more}}


ZEROS = {"weight": "zeros"}

WRONG: list[tuple[dict[str, Any], str, str]] = [
    (init({"modules": "Conv2D", **ZEROS}), "init[0].modules", "No module of the model is of class Conv2D. Did you"),
    (init({"modules": "LSTM", **ZEROS}), "init[0].modules", "Its modules are: Net, Conv2d, MaxPool2d, Linear."),
    (init({"names": "con1", **ZEROS}), "init[0].names", "'con1' matches no module of the model. Did you mean 'conv1'"),
    (
        init({"modules": "Linear", "names": "conv1", **ZEROS}),
        "init[0].names",
        "'conv1' matches no module of the model that is of class Linear. There are: fc1, fc2, fc3",
    ),
    (
        init({"modules": ["MaxPool2d"], "bias": "zeros"}),
        "init[0].bias",
        "The modules that it matches have no bias: 'pool1', 'pool2'. Remove the rule.",
    ),
    (
        init({"parameters": "fc4.*", "init": "zeros"}),
        "init[0].parameters",
        "'fc4.*' matches no parameter of the model.",
    ),
    (
        init({"parameters": "fc1", "init": "zeros"}),
        "init[0].parameters",
        r"A pattern has to match the whole name: 'fc1\..*' matches fc1.weight, fc1.bias.",
    ),
    (
        init({"modules": "Conv2d", "bias": "xavier_normal"}),
        "init[0].bias",
        "The init scheme 'xavier_normal' cannot fill 'conv1.bias' of shape [6], nor 1 other that the rule matches: it "
        "needs at least 2 dimensions. Choose another scheme, such as zeros or normal.",
    ),
    (
        init({"names": "fc1", **ZEROS}, {"parameters": ".*", "init": "ones"}),
        "init[0]",
        "The rule has no effect: later rules, init[1], set all parameters that it matches: fc1.weight. Remove it",
    ),
    (
        groups({"modules": "BatchNorm", "lr": 0.2}),
        "optim.groups[0].modules",
        "No module of the model is of class BatchNorm.",
    ),
    (
        groups({"modules": "_MaxPoolNd", "lr": 0.2}),
        "optim.groups[0].modules",
        "The modules that it matches have no parameters: 'pool1', 'pool2'. Remove the group.",
    ),
    (
        groups({"parameters": r"head\..*", "lr": 0.2}),
        "optim.groups[0].parameters",
        r"'head\..*' matches no parameter in the model. Its parameters are: conv1.weight, conv1.bias, conv2.weight",
    ),
    (
        groups({"parameters": r".*\.wieght", "lr": 0.2}),
        "optim.groups[0].parameters",
        r"Did you mean '.*\.weight'?",
    ),
    (
        groups({"parameters": r"fc\d\..*", "modules": "Conv2d", "lr": 0.2}),
        "optim.groups[0].parameters",
        r"'fc\d\..*' matches no parameter inside modules of class Conv2d. Its parameters are: conv1.weight",
    ),
    (
        groups({"parameters": r"fc1\..*", "lr": 0.2}, {"modules": "Linear", "lr": 0.3}),
        "optim.groups[0]",
        "The group is empty: later groups, optim.groups[1], match all of its parameters: fc1.weight, fc1.bias.",
    ),
    (
        groups({"parameters": r"conv1\..*", "lr": 0.2}, **freeze(r"conv\d\..*")),
        "optim.groups[0]",
        "The group matches only parameters that are never trained: conv1.weight, conv1.bias. Remove it, or remove them",
    ),
    (
        layers(r"conv\d\..*", r"fcs\..*", r"fc.*"),
        "optim.layer_decay.layers[1]",
        r"'fcs\..*' matches no parameter that is left for it. Did you mean 'fc",
    ),
    (
        layers(r"conv\d\..*", r"fc.*", r"fc3\..*"),
        "optim.layer_decay.layers[2]",
        "that is left for it: all that it matches belongs to layers[1], which comes before it. Remove it or put it",
    ),
    (layers(r"conv\d\..*"), "optim.layer_decay.layers", "No pattern matches fc1.weight, fc1.bias, fc2.weight"),
    (
        freeze("conv9.*", "fc1"),
        "finetune.freeze[1]",
        r"'fc1' matches no parameter of the model. A pattern has to match the whole name: 'fc1\..*' matches fc1.w",
    ),
    (
        freeze(".*"),
        "finetune.freeze",
        "Every parameter of the model is frozen at the start: there is nothing to train.",
    ),
    (
        freeze("conv.*", unfreeze=[{"parameters": r"fc3\..*", "after": "1 step"}]),
        "finetune.unfreeze[0].parameters",
        "matches no frozen parameter: fc3.weight, fc3.bias are trained from the start. Add them to `freeze`",
    ),
    (
        freeze(
            "conv.*",
            unfreeze=[{"parameters": r"conv1\..*", "after": "1 step"}, {"parameters": "conv.*", "after": "2 steps"}],
        ),
        "finetune.unfreeze[0].parameters",
        "frozen parameter of its own: finetune.unfreeze[1] unfreezes all of them. Remove the rule",
    ),
    (
        freeze("conv.*", unfreeze=[{"parameters": r"con1\..*", "after": "1 step"}]),
        "finetune.unfreeze[0].parameters",
        r"'con1\..*' matches no parameter of the model. Did you mean 'conv1\..*'",
    ),
    (
        {"model": NORMED, **groups({"parameters": r"norm\..*", "lr": 0.2})},
        "optim.groups[0].parameters",
        r"'norm\..*' matches no parameter in the model",
    ),
    (
        {"model": {"torchvision_model": {"arch": "resnet18"}}, **freeze(r"layers\.1\..*")},
        "finetune.freeze[0]",
        r"Did you mean 'layer4\.1\..*'",
    ),
]


def problems(load: Callable[[], Any]) -> dict[str, str]:
    """What is wrong, by keys."""
    try:
        load()
    except PipelineError as error:
        return {problem.path: f"{problem.message} {problem.remedy}" for problem in error.problems}
    return {}


def found_by_building(path: Path) -> dict[str, str]:
    """What the build says of the model itself, when nothing was checked before."""
    return problems(lambda: preview_of(make_plan(load_unseen(path))))


@pytest.mark.parametrize(("changes", "key", "message"), WRONG, ids=[row[1] + row[2][:20] for row in WRONG])
def test_what_matches_nothing_is_found_before_the_build(
    pipeline: Callable[..., Path], changes: dict[str, Any], key: str, message: str
) -> None:
    """In the words of the build, with the place in the file."""
    path = pipeline(**{"model": NET, "train": {"epochs": 2}, **changes})
    found = problems(lambda: registry_core.load(path))
    assert message in found[key]
    built = found_by_building(path)
    assert {key: found[key] for key in built} == built
    assert key in built
    with pytest.raises(PipelineError) as failed:
        registry_core.load(path)
    text = path.read_text()
    for problem in failed.value.problems:
        assert problem.place is not None
        assert problem.place.column is not None
        value = text[problem.place.column - 1 :]
        *_, last = problem.path.split(".")
        expected: Any = changes
        for part in re.findall(r"\w+", problem.path):
            expected = expected[int(part)] if part.isdigit() else expected[part]
        written = json.dumps(expected)
        assert value.startswith((written, written.removeprefix("{"))), (last, value)  # a component: from its name on


RIGHT: list[dict[str, Any]] = [
    init({"modules": "_ConvNd", "weight": "kaiming_normal"}, {"modules": ["Linear", "BatchNorm2d"], "bias": "zeros"}),
    init({"parameters": ".*", "init": "zeros"}, {"names": r"fc\d", "weight": "xavier_uniform"}),
    groups({"modules": ["BatchNorm2d", "Linear"], "lr": 0.2}, {"parameters": r".*\.bias", "weight_decay": 0.0}),
    groups({"modules": "Net", "lr": 0.2}),
    {
        **groups({"parameters": r"conv1\..*", "lr": 0.2}),
        **freeze(r"conv.*", unfreeze=[{"parameters": "conv1.*", "after": "1 step"}]),
    },
    layers(r"conv(\d)\..*", r"fc(\d)\..*"),
    freeze(r"conv\d\..*", r"conv1\..*"),
    {"model": NORMED, **freeze(r"norm\.running_mean", r"conv\..*")},
]


@pytest.mark.parametrize("changes", RIGHT)
def test_what_matches_is_right(pipeline: Callable[..., Path], changes: dict[str, Any]) -> None:
    path = pipeline(**{"model": NET, "train": {"epochs": 2}, **changes})
    assert problems(lambda: registry_core.load(path)) == found_by_building(path) == {}


PATTERNS = (r".*", r"conv\d\..*", r"conv1\..*", r"fc[12]\.weight", r".*\.bias", r"fc3\.bias", r"conv", r"head\..*")
TYPES = ("Conv2d", "Linear", "_MaxPoolNd", "Module", "Net", "BatchNorm2d")
SCHEMES = ("zeros", "xavier_normal", "eye", "dirac")


def random_rules(draw: random.Random) -> dict[str, Any]:
    """Rules of all sections, most of which fit."""

    def some(make: Callable[[], Any], most: int) -> list[Any]:
        return [make() for _ in range(draw.randint(0, most))]

    def rule() -> dict[str, Any]:
        if draw.random() < 0.5:
            return {"parameters": draw.choice(PATTERNS), "init": draw.choice(SCHEMES)}
        return {"modules": draw.choice(TYPES), draw.choice(("weight", "bias")): draw.choice(SCHEMES)}

    def group() -> dict[str, Any]:
        chosen = {"parameters": draw.choice(PATTERNS), "modules": draw.choice(TYPES)}
        kept = draw.choice((("parameters",), ("modules",), ("parameters", "modules")))
        return {**{key: chosen[key] for key in kept}, "lr": 0.5}

    found: dict[str, Any] = {"init": some(rule, 3), "optim": {"optimizer": SGD, "groups": some(group, 3)}}
    if frozen := some(lambda: draw.choice(PATTERNS[1:]), 2):
        later = some(lambda: {"parameters": draw.choice(PATTERNS), "after": "1 step"}, 2)
        found["finetune"] = {"freeze": frozen, "unfreeze": later}
    return found


def test_random_rules_are_judged_as_the_build_judges_them(pipeline: Callable[..., Path]) -> None:
    """The build stops at the first section that is wrong; what it says there is what was said before."""
    draw = random.Random(7)
    right = 0
    for number in range(150):
        path = pipeline(name=f"p{number}", model=NET, train={"epochs": 2}, **random_rules(draw))
        found, built = problems(lambda path=path: registry_core.load(path)), found_by_building(path)  # type: ignore[misc]  # mypy reads the default as an argument
        assert bool(found) == bool(built), path.read_text()
        assert {key: found.get(key) for key in built} == built, path.read_text()
        right += not built
    assert 10 < right < 140


class Net(nn.Module):
    """The network of ``model: net``, written by hand, for any number of classes."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5, padding=2)
        self.fc1 = nn.Linear(16 * 2 * 2, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)


def weights() -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in Net().state_dict().items()}


FILES: list[tuple[dict[str, torch.Tensor], dict[str, Any], str, str]] = [
    (
        {**{n: t for n, t in Net(7).state_dict().items() if n != "conv1.bias"}, "extra": torch.zeros(2)},
        {},
        "finetune.strict",
        r"The weights do not fit the model:\n"
        r"  missing +conv1\.bias +model 6\n"
        r"  wrong shape +fc3\.weight +model 10 x 84, file 7 x 84\n"
        r"  wrong shape +fc3\.bias +model 10, file 7\n"
        r"  unexpected +extra +file 2\n .*strict: \['conv1\\\.\.\*', 'fc3\\\.\.\*'",
    ),
    (
        {**weights(), "fc1.weight": torch.zeros(120, 64, dtype=torch.int8)},
        {},
        "finetune.strict",
        r"wrong type +fc1\.weight +model 120 x 64 float32, file 120 x 64 int8",
    ),
    (
        {f"module.{name}": value for name, value in weights().items()},
        {"strict": False},
        "finetune.weights",
        r"Nothing in the file fits the model\. The model has conv1\.weight.*Rename: \[\{match: 'module",
    ),
    (
        weights(),
        {"strict": [r"fc3\..*", "fc4"]},
        "finetune.strict[1]",
        r"'fc4' matches no name of the model or the file\. ",
    ),
]


@pytest.mark.parametrize(("tensors", "section", "key", "message"), FILES, ids=[row[2] for row in FILES])
def test_files_that_do_not_fit(
    pipeline: Callable[..., Path],
    tmp_path: Path,
    tensors: dict[str, torch.Tensor],
    section: dict[str, Any],
    key: str,
    message: str,
) -> None:
    save_file(tensors, tmp_path / "w.safetensors")
    path = pipeline(model=NET, finetune={"weights": str(tmp_path / "w.safetensors"), **section})
    found = problems(lambda: registry_core.load(path))
    assert list(found) == [key]
    assert re.search(message, found[key], re.DOTALL), found[key]
    assert found == found_by_building(path)


def test_files_that_fit(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """Renamed, in half precision, or the averaged weights of a run; torch files in both formats, too."""
    averaged = {f"module.{name}": value for name, value in weights().items()} | {"n_averaged": torch.tensor(3)}
    renamed = {f"net.{name}": value.half() for name, value in weights().items()}
    for tensors, rename in ((averaged, []), (renamed, [{"match": r"net\.(.*)", "to": r"\1"}])):
        save_file(tensors, tmp_path / "w.safetensors")
        path = pipeline(model=NET, finetune={"weights": str(tmp_path / "w.safetensors"), "rename": rename})
        assert problems(lambda path=path: registry_core.load(path)) == found_by_building(path) == {}  # type: ignore[misc]  # mypy reads the default as an argument
    for tensors, fits in ((weights(), True), ({"other": torch.zeros(1)}, False)):
        for zipped in (True, False):
            torch.save(tensors, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
            path = pipeline(model=NET, finetune={"weights": str(tmp_path / "w.pt")})
            found = problems(lambda path=path: registry_core.load(path))  # type: ignore[misc]  # as above
            assert found == found_by_building(path)
            assert list(found) == ([] if fits else ["finetune.weights"])


def test_statistics_are_part_of_a_file(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """Buffers have names and shapes too; the count of batches may be missing."""
    model = registries.models["sequential"]
    path = pipeline(model=NORMED)
    state = registry_core.load(path).spec.model.build().state_dict()
    assert model.modules is not None
    for missing, wrong in (("norm.num_batches_tracked", False), ("norm.running_var", True)):
        save_file({n: t.clone() for n, t in state.items() if n != missing}, tmp_path / "w.safetensors")
        path = pipeline(model=NORMED, finetune={"weights": str(tmp_path / "w.safetensors")})
        found = problems(lambda path=path: registry_core.load(path))  # type: ignore[misc]  # mypy reads the default as an argument
        assert bool(found) == wrong
        assert found == found_by_building(path)


def test_types_of_the_format_have_the_names_of_torch(tmp_path: Path) -> None:
    for written, dtype in _TYPES.items():
        save_file({"a": torch.zeros(2, 3).to(dtype)}, tmp_path / "w.safetensors")
        with opened(tmp_path / "w.safetensors") as file:
            (found,) = stored_weights(file, tmp_path / "w.safetensors", None).facts().values()
        assert (found.shape, f"torch.{found.dtype}") == ((2, 3), str(dtype)), written


@pytest.mark.parametrize("damage", ['"shape":2', '"shape":[2],"dtype":3'])
def test_a_damaged_header_is_said(pipeline: Callable[..., Path], tmp_path: Path, damage: str) -> None:
    header = f'{{"a":{{"dtype":"F32","data_offsets":[0,8],{damage}}}}}'.encode()
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    found = problems(lambda: registry_core.load(pipeline(finetune={"weights": str(tmp_path / "w.safetensors")})))
    assert re.search(r"header of the safetensors file .* is damaged", found["finetune.weights"])


def test_nothing_is_said_of_models_that_are_not_known(
    pipeline: Callable[..., Path], distribution: Callable[..., Path]
) -> None:
    text = "from torch import nn\n\n\nclass Plain(nn.Sequential):\n    def __init__(self):\n"
    text += "        super().__init__(nn.Flatten(), nn.Linear(64, 10))\n"
    distribution("acme", "[registry_core.v1.models]\nplain = acme_model:Plain\n", modules={"acme_model": text})
    path = pipeline(model="plain", **init({"modules": "Conv2d", **ZEROS}))
    assert not problems(lambda: registry_core.load(path))
    assert "init[0].modules" in found_by_building(path)


def test_groups_may_name_weights_of_the_loss(pipeline: Callable[..., Path], distribution: Callable[..., Path]) -> None:
    """A loss that may have weights is not known before it is built, but what is inside modules is the model's."""
    text = "from torch import nn\n\n\nclass Scaled(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    text += "        import torch\n        self.scale = nn.Parameter(torch.ones(1))\n"
    text += "    def forward(self, output, target):\n"
    text += "        return nn.functional.cross_entropy(output * self.scale, target)\n"
    distribution("acme", "[registry_core.v1.losses]\nscaled = acme_loss:Scaled\n", modules={"acme_loss": text})
    rule = {"parameters": r"loss\..*", "lr": 0.2}
    assert not found_by_building(path := pipeline(model=NET, loss="scaled", **groups(rule)))
    assert not problems(lambda: registry_core.load(path))
    assert problems(lambda: registry_core.load(pipeline(model=NET, **groups(rule)))).keys() == {
        "optim.groups[0].parameters"
    }
    found = problems(lambda: registry_core.load(pipeline(model=NET, loss="scaled", **groups({"modules": "X"}))))
    assert found.keys() == {"optim.groups[0].modules"}


def test_a_broken_section_is_not_judged(pipeline: Callable[..., Path]) -> None:
    """What is wrong elsewhere is said alone: rules cannot be judged against a model that is not there."""
    rules = init({"modules": "Conv9d", **ZEROS})
    found = problems(lambda: registry_core.load(pipeline(model={"net": {"in_channels": "one"}}, **rules)))
    assert found.keys() == {"model.net.in_channels"}
    layers = ["flatten", {"linear": {"out_features": 10, "bais": True}}]
    broken = {"sequential": {"input": [1, 8, 8], "layers": layers}}
    assert problems(lambda: registry_core.load(pipeline(model=broken, **rules))).keys() == {
        "model.sequential.layers[1].linear.bais"
    }
    scheme = init({"modules": "Conv9d", "weight": "zeroes"})
    assert problems(lambda: registry_core.load(pipeline(model=NET, **scheme))).keys() == {"init[0].weight"}
    frozen = {"finetune": {"freeze": [r"conv\d\..*"], "unfreze": []}, **groups({"parameters": r"conv1\..*"})}
    assert problems(lambda: registry_core.load(pipeline(model=NET, **frozen))).keys() == {"finetune.unfreze"}
    wrong = {"optim": {"optimizer": SGD, "groups": [{"parameters": "("}, {"modules": "X"}]}}
    assert problems(lambda: registry_core.load(pipeline(model=NET, **wrong))).keys() == {"optim.groups[0].parameters"}


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        ("fc", r"A pattern has to match the whole name: 'fc\..*' matches fc.weight, fc.bias."),
        ("layer1", r"A pattern has to match the whole name: 'layer1\..*' matches layer1.0.conv.weight."),
        ("conv", r"A pattern has to match the whole name: '.*\.conv\..*' matches layer1.0.conv"),
        ("fc|layer1", r"A pattern has to match the whole name: '(?:fc|layer1)\..*' matches layer1.0.c"),
        ("bias", r"A pattern has to match the whole name: '.*\.bias' matches fc.bias."),
        ("laier2.*", r"Did you mean 'layer2\..*' or 'layer2\.0\..*'?"),
        ("fc.wieght", r"Did you mean 'fc\.weight'?"),
        (r"layr\d\.0\..*", r"Did you mean 'layer"),
        (".*", "Its parameters are: layer1.0.conv.weight, layer2.0.conv.weight, fc.weight, fc.bias"),
        ("zzz", "Its parameters are: layer1.0"),
        ("", "Its parameters are: layer1.0"),
    ],
)
def test_the_nearest_pattern(pattern: str, remedy: str) -> None:
    names = ["layer1.0.conv.weight", "layer2.0.conv.weight", "fc.weight", "fc.bias"]
    names = [] if pattern == ".*" else names
    found = nearest_pattern(pattern, names)
    assert found.startswith(remedy if names else "Its parameters are: "), found


def test_validate_does_not_import_torch(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    save_file(weights(), tmp_path / "w.safetensors")
    section = {"weights": str(tmp_path / "w.safetensors"), "freeze": ["conv9.*"]}
    path = pipeline(model=NET, finetune=section, **init({"modules": "Conv2D", **ZEROS}))
    code = f"""
import sys
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load
try:
    load({str(path)!r})
except PipelineError as error:
    print(*(problem.path for problem in error.problems))
assert not {{"torch", "numpy"}} & set(sys.modules)
"""
    assert set(python(code).split()) == {"init[0].modules", "finetune.freeze[0]"}
    ended = command("validate", path)
    assert ended.code == 2
    assert "init[0].modules: No module of the model is of class Conv2D. Did you mean 'Conv2d'?" in ended.err


def test_without_rules_nothing_is_asked_of_the_model(
    pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registries.models["net"], "modules", lambda _: pytest.fail("asked"))
    registry_core.load(pipeline(model=NET))
    assert changed()["model"] != NET
