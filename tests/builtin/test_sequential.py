"""Models declared layer by layer: built as written, sizes worked out, and every mistake found before the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, Ended
from registry_builtin.models.classifiers import Net
from torch import nn

from registry_core.components.layer import _TAKEN
from registry_core.config import dump
from registry_core.diagnostics import PipelineError
from registry_core.loaded import load
from registry_core.registry import registries

EXAMPLE = (ROOT / "examples" / "net.yaml").read_text()


def model_of(pipeline: Callable[..., Path], layers: list[Any], input: list[Any] | None = None, **more: Any) -> Any:
    """The declaration of a sequential model in a pipeline file that is right."""
    parameters = {"input": input or [1, 8, 8], "layers": layers, **more}
    return load(pipeline(model={"sequential": parameters})).spec.model


def mistakes_of(
    pipeline: Callable[..., Path], layers: list[Any], input: list[Any] | None = None, **more: Any
) -> list[str]:
    parameters = {"input": input or [1, 8, 8], "layers": layers, **more}
    with pytest.raises(PipelineError) as refused:
        load(pipeline(model={"sequential": parameters}))
    return [f"{problem.path}: {problem.message} {problem.remedy}" for problem in refused.value.problems]


@pytest.mark.covers("model/sequential", reference="torch.nn.Sequential and the network by hand")
def test_the_net_without_python_is_the_net() -> None:
    """model/sequential: names, first values and outputs are those of the registered net, bit for bit."""
    declared = load(ROOT / "examples" / "net.yaml").spec.model
    torch.manual_seed(3)
    ours = declared.build()
    torch.manual_seed(3)
    net = Net(in_channels=1).build()
    ours_state, net_state = ours.state_dict(), net.state_dict()
    assert list(ours_state) == list(net_state)
    assert all(torch.equal(ours_state[name], net_state[name]) for name in net_state)
    images = torch.randn(4, 1, 32, 32)
    assert torch.equal(ours(images), net(images))
    assert type(ours) is nn.Sequential
    assert (declared.num_outputs(), declared.get_output_form()) == (10, "logits")


def test_the_net_without_python_trains_like_the_net(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    """The weights of a short training are those of the net made in Python, bit for bit."""
    weights = []
    written = EXAMPLE[EXAMPLE.index("model:") : EXAMPLE.index("loss:")]
    for name, model in (("layers", written), ("net", "model: {net: {in_channels: 1}}\n")):
        text = EXAMPLE.replace(written, model).replace("epochs: 5", "max_steps: 4, evaluate_every: null")
        path = pipeline(text.replace("split: train", "split: val"), name=name)
        ended = command("train", path, "--out", tmp_path / f"run-{name}")
        assert ended.code == 0, ended.err
        (found,) = (tmp_path / f"run-{name}").glob("checkpoints/step-*/model.safetensors")
        weights.append(found.read_bytes())
    assert weights[0] == weights[1]


def test_names_that_torch_modules_have_are_refused() -> None:
    assert {name for name in dir(nn.Sequential()) if not name.startswith("_")} <= _TAKEN


def test_a_resolved_file_is_the_same_file(pipeline: Callable[..., Path]) -> None:
    spec = load(ROOT / "examples" / "net.yaml").spec
    data = dump(spec)
    assert data["model"]["sequential"]["layers"][0]["conv2d"]["name"] == "conv1"
    path = pipeline(json.dumps(data), name="again")
    assert load(path).spec == spec


def test_layers_can_be_overridden_one_by_one() -> None:
    spec = load(ROOT / "examples" / "net.yaml", ["model.sequential.layers.7.linear.out_features=50"]).spec
    assert spec.model.build().fc2.in_features == 50


CONV = {"conv2d": {"out_channels": 4, "kernel_size": 3}}
LAST: list[Any] = ["flatten", {"linear": {"out_features": 10}}]

MISTAKES: list[tuple[list[Any], str, str]] = [
    (
        [{"conv2d": {"in_channels": 3, "out_channels": 4, "kernel_size": 3}}, *LAST],
        "model.sequential.layers[0]",
        "Layer 0, conv2d, expects 3 channels, but receives 1. Set in_channels to 1, or remove it.",
    ),
    (
        [CONV, "flatten", {"linear": {"name": "fc", "in_features": 64, "out_features": 10}}],
        "model.sequential.layers[2]",
        "Layer 2 'fc', linear, expects 64 features, but receives 144. Set in_features to 144, or remove it.",
    ),
    (
        [CONV, {"linear": {"out_features": 10}}],
        "model.sequential.layers[1]",
        "Layer 1, linear, expects features or sequences, but receives 4 x 6 x 6. Put flatten before it.",
    ),
    (
        [{"max_pool2d": {"kernel_size": 4}}, CONV, *LAST],
        "model.sequential.layers[1]",
        "Layer 1, conv2d, reduces 1 x 2 x 2 to nothing. Add padding",
    ),
    (
        [{"conv2d": {"name": "a", "out_channels": 4, "kernel_size": 3}}, {"flatten": {"name": "a"}}, *LAST],
        "model.sequential.layers[1].flatten.name",
        "Layer 1, flatten, has the same name as another layer, 'a'. Choose another name.",
    ),
    (
        ["flatten", {"linear": {"name": "train", "out_features": 10}}],
        "model.sequential.layers[1].linear.name",
        "Every torch module already has an attribute 'train'. Choose another name.",
    ),
    (["flatten", {"linear": {"out_features": 11}}], "model", "has 11 outputs, but data.train has 10 classes. Let its"),
    (
        [{"batch_norm2d": {"num_features": 3}}, *LAST],
        "model.sequential.layers[0]",
        "expects 3 channels, but receives 1. Set num_features to 1",
    ),
    ([{"group_norm": {"num_groups": 2}}, *LAST], "model.sequential.layers[0]", "2 groups, which do not divide its 1"),
    (
        [CONV, {"residual": {"layers": [CONV]}}, *LAST],
        "model.sequential.layers[1]",
        "Layer 1, residual, cannot add the shortcut 4 x 6 x 6 to the output of its layers 4 x 4 x 4.",
    ),
    (
        [
            {
                "block": {
                    "layers": [
                        {
                            "repeat": {
                                "times": 3,
                                "layers": [CONV, {"conv2d": {"in_channels": 3, "out_channels": 1, "kernel_size": 1}}],
                            }
                        }
                    ]
                }
            },
            *LAST,
        ],
        "model.sequential.layers[0].block.layers[0].repeat.layers[1]",
        "Layer 1, conv2d, expects 3 channels, but receives 4.",
    ),
    (
        [{"repeat": {"times": 4, "layers": [CONV]}}, *LAST],
        "model.sequential.layers[0].repeat.layers[0]",
        "In a repetition: Layer 0, conv2d, reduces 4 x 2 x 2 to nothing.",
    ),
    (
        [{"concat": {"branches": [CONV, "relu"]}}, *LAST],
        "model.sequential.layers[0]",
        "Layer 0, concat, cannot concatenate branches of 4 x 6 x 6 and 1 x 8 x 8.",
    ),
    ([{"relu": {"inplace": True}}, *LAST], "model.sequential.layers[0]", "would overwrite the input of its network"),
    (
        [CONV, "sigmoid", {"relu": {"inplace": True}}, *LAST],
        "model.sequential.layers[2]",
        "would overwrite the output of sigmoid",
    ),
    (
        ["flatten", {"flatten": {"end_dim": 2}}, *LAST],
        "model.sequential.layers[1]",
        "has end_dim 2, but receives 64, whose dimensions are 1 to 1",
    ),
    (
        [{"instance_norm2d": {}}, {"adaptive_avg_pool2d": {"output_size": 1}}, "instance_norm2d", *LAST],
        "model.sequential.layers[2]",
        "more than one pixel",
    ),
    ([{"flaten": {}}, *LAST], "model.sequential.layers[0]", "Did you mean 'flatten'"),
    (
        [{"conv2d": {"out_channels": 4, "kernel_size": 0}}, *LAST],
        "model.sequential.layers[0].conv2d.kernel_size",
        "integers of at least 1",
    ),
    (
        [{"residual": {"layers": [{"conv2d": {"out_channels": 4}}]}}, *LAST],
        "model.sequential.layers[0].residual.layers[0].conv2d.kernel_size",
        "needs the parameter 'kernel_size'",
    ),
    ([], "model.sequential.layers", "must have at least 1 item"),
    (
        [{"conv2d": {"out_channels": 10, "kernel_size": 8}}],
        "model",
        "The model returns 10 x 1 x 1 for a sample, but the targets are",
    ),
]


@pytest.mark.parametrize(("layers", "path", "words"), MISTAKES, ids=[str(n) for n in range(len(MISTAKES))])
def test_one_mistake(pipeline: Callable[..., Path], layers: list[Any], path: str, words: str) -> None:
    (mistake,) = mistakes_of(pipeline, layers)
    assert mistake.startswith(f"{path}: "), mistake
    assert words in mistake


def test_all_mistakes_with_their_lines(pipeline: Callable[..., Path]) -> None:
    """The walk goes on after a wrong size as if it were right."""
    text = EXAMPLE.replace("name: conv2,", "name: conv2, in_channels: 3,").replace(
        "name: fc2,", "name: fc2, in_features: 9,"
    )
    with pytest.raises(PipelineError) as refused:
        load(pipeline(text))
    found = [
        (problem.place.line, problem.place.column, problem.message)
        for problem in refused.value.problems
        if problem.place
    ]
    lines = [number for number, line in enumerate(EXAMPLE.splitlines(), 1) if "conv2," in line or "fc2," in line]
    assert found == [
        (lines[0], 10, "Layer 3 'conv2', conv2d, expects 3 channels, but receives 6."),
        (lines[1], 10, "Layer 9 'fc2', linear, expects 9 features, but receives 120."),
    ]


@pytest.mark.parametrize("input", [[3, 8, 8], [1, 9, 8], [1, 8, 4], [64]])
def test_images_must_be_what_input_says(pipeline: Callable[..., Path], input: list[int]) -> None:
    (mistake,) = mistakes_of(pipeline, LAST, input)
    assert "but the images are 1 x 8 x 8" in mistake
    assert "Set input to [1, 8, 8]" in mistake


def test_height_and_width_may_be_left_open(pipeline: Callable[..., Path]) -> None:
    pooled: list[Any] = [CONV, {"adaptive_avg_pool2d": {"output_size": 1}}, *LAST]
    built = model_of(pipeline, pooled, [1, None, None]).build()
    assert built(torch.zeros(2, 1, 20, 9)).shape == (2, 10)
    (mistake,) = mistakes_of(pipeline, [CONV, *LAST], [1, None, 8])
    assert "Layer 2, linear, requires in_features" in mistake


@pytest.mark.parametrize(
    ("last", "output", "emits"),
    [
        (None, None, "logits"),
        (None, "values", "values"),
        (None, "embeddings", "embeddings"),
        ("softmax", None, "probabilities"),
        ("sigmoid", None, "probabilities"),
        ("log_softmax", None, "log_probabilities"),
        ("log_softmax", "log_probabilities", "log_probabilities"),
        ({"block": {"layers": ["softmax"]}}, None, "probabilities"),
    ],
)
def test_what_it_emits(last: Any, output: str | None, emits: str) -> None:
    layers = registries.layers
    made: list[Any] = [layers["flatten"](), layers["linear"](out_features=10)]
    if isinstance(last, dict):
        made.append(layers["block"](layers=(layers["softmax"](),)))
    elif last:
        made.append(layers[last]())
    assert (
        registries.models["sequential"](input=(1, 8, 8), layers=tuple(made), output=output).get_output_form() == emits
    )


def test_output_that_the_last_layer_contradicts(pipeline: Callable[..., Path]) -> None:
    mistake, _ = sorted(mistakes_of(pipeline, [*LAST, "log_softmax"], output="probabilities"), reverse=True)
    assert mistake.startswith(
        "model.sequential.output: output is probabilities, but the last layer, log_softmax, produces"
    )


def test_no_torch_to_check_it(pipeline: Callable[..., Path]) -> None:
    from test_imports import imported

    assert "torch" not in imported("validate", ROOT / "examples" / "net.yaml")
    assert "torch" not in imported("plan", ROOT / "examples" / "net.yaml")


def test_a_plain_layer_of_another_distribution(
    pipeline: Callable[..., Path], distribution: Callable[..., Path]
) -> None:
    """Its shape is not known before the run, so what follows says its sizes; wrong objects are named."""
    code = """
from torch import nn
class Scale(nn.Module):
    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
    def forward(self, x):
        return x * self.factor
def nothing(): ...
"""
    entries = "[registry_core.v1.layers]\nscale = acme_layers:Scale\nnothing = acme_layers:nothing\n"
    distribution("acme-layers", entries, modules={"acme_layers": code})
    scale = {"scale": {"name": "smaller", "factor": 0.5}}
    built = model_of(pipeline, ["flatten", scale, {"linear": {"in_features": 64, "out_features": 10}}]).build()
    assert built.smaller.factor == 0.5
    (mistake,) = mistakes_of(pipeline, ["flatten", scale, {"linear": {"out_features": 10}}])
    assert (
        "Layer 2, linear, requires in_features: its input features are not known before the run. Add in_features."
        in mistake
    )
    from registry_core.diagnostics import BrokenComponent

    wrong = model_of(pipeline, ["flatten", "nothing"])
    with pytest.raises(BrokenComponent, match=r"layer 'nothing' of acme-layers 1\.0 built a NoneType, not"):
        wrong.build()


PLAN_OF_NET = """\
model: sequential, loss: cross_entropy, optimizer: sgd
  conv1  conv2d      6 x 28 x 28  156 parameters
  1      relu        6 x 28 x 28
  2      max_pool2d  6 x 14 x 14
  conv2  conv2d      16 x 10 x 10  2,416 parameters
  4      relu        16 x 10 x 10
  5      max_pool2d  16 x 5 x 5
  6      flatten     400
  fc1    linear      120  48,120 parameters
  8      relu        120
  fc2    linear      84  10,164 parameters
  10     relu        84
  fc3    linear      10  850 parameters
"""


def test_the_plan_shows_every_layer(command: Callable[..., Ended]) -> None:
    assert PLAN_OF_NET in command("plan", ROOT / "examples" / "net.yaml").out
    parts = json.loads(command("plan", ROOT / "examples" / "net.yaml", "--json").out)["layers"]
    assert parts[0] == {"name": "conv1", "layer": "conv2d", "shape": [6, 28, 28], "parameters": 156}


def test_parts_are_the_modules_of_the_network() -> None:
    """Names, shapes and numbers of the parts are those seen when the residual example runs."""
    model = load(ROOT / "examples" / "residual.yaml").spec.model
    built = model.build()
    seen: dict[str, tuple[int, ...]] = {}

    def see(name: str) -> Callable[..., None]:
        return lambda module, taken, given: seen.update({name: tuple(given.shape[1:])})

    for name, module in built.named_modules():
        module.register_forward_hook(see(name))
    built(torch.zeros(2, 1, 8, 8))
    parts = {part.name: part for part in model.layer_facts()}
    assert len(parts) == len(model.layer_facts())
    assert {name: part.shape for name, part in parts.items()} == {name: seen[name] for name in parts}
    leaves = {name for name, module in built.named_modules() if name and not list(module.children())}
    assert leaves <= {*parts, "wide.0.0.shortcut", "wide.1.0.shortcut"}
    for name, module in built.named_modules():
        if name in parts:
            assert parts[name].num_parameters == sum(p.numel() for p in module.parameters(recurse=False))


@pytest.mark.parametrize("example", ["net", "residual"])
def test_examples_train(command: Callable[..., Ended], tmp_path: Path, example: str) -> None:
    ended = command(
        "train", ROOT / "examples" / f"{example}.yaml", "--out", tmp_path / "run", "--set", "train.max_steps=2"
    )
    assert ended.code == 0, ended.err


def test_layers_of_residual_example_take_rules(pipeline: Callable[..., Path]) -> None:
    """Init rules and groups reach layers by the names that the file gives them."""
    from registry_core.assembly.model.first_values import initialise
    from registry_core.assembly.optim.parameters import group_parameters

    text = (ROOT / "examples" / "residual.yaml").read_text()
    text = text.replace("loss:", "init: [{names: 'wide.*', modules: Conv2d, weight: {constant: {value: 0}}}]\nloss:")
    text = text.replace("  scheduler: {one_cycle: {max_lr: 0.01}}", "  groups: [{parameters: 'fc\\..*', lr: 0.1}]")
    spec = load(pipeline(text)).spec
    model = spec.model.build()
    initialise(model, spec.init)
    assert not model.wide[1][0].layers[3].weight.any()
    assert model.stem.weight.any()
    assert group_parameters(model, spec.optim.groups)[1].names == ("fc.weight", "fc.bias")
