"""What models and layers say of their modules before they are built is what torch has of the built ones."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
import torchvision
from conftest import ROOT, python
from registry_builtin.models.classifiers import Architecture
from registry_builtin.models.torchvision_modules import FILE, torchvision_modules
from registry_builtin.objects.torchvision_models import torchvision_model
from torch import nn

from registry_core.assembly.model.module_facts import facts_of
from registry_core.components import CheckFailed, Layer, Model, ModuleFacts, TensorFacts
from registry_core.components.modules import parameter_shapes, saved_tensors
from registry_core.loaded import load_unseen
from registry_core.registry import registries
from registry_core.testing.shapes import LAYER_SHAPES
from registry_core.testing.subject import resolved

sys.path.insert(0, str(ROOT / "plugins" / "builtin"))  # a script, in no package
from make_torchvision_modules import recorded, shapes_only

FILES = [*(ROOT / "examples").glob("*.yaml"), *(ROOT / "tests" / "pipelines").rglob("*.yaml")]
PIPELINES = sorted(path for path in FILES if path.stem not in ("common", "finetune"))
"""All but what others extend, and one whose model is of a plugin."""


def same_as_built(modules: tuple[ModuleFacts, ...] | None, built: nn.Module) -> None:
    """Names, order, shapes, classes and saved buffers, each as torch itself says them."""
    assert modules is not None
    assert [module.path for module in modules] == [path for path, _ in built.named_modules()]
    for facts, (path, module) in zip(modules, built.named_modules(), strict=True):
        assert facts.classes == tuple(base.__name__ for base in type(module).__mro__ if base is not object), path
    shapes = {name: tuple(parameter.shape) for name, parameter in built.named_parameters()}
    assert list(parameter_shapes(modules).items()) == list(shapes.items())
    saved = [(name, tensor.shape, tensor.dtype) for name, tensor in saved_tensors(modules).items()]
    state = built.state_dict().items()
    assert saved == [(name, tuple(t.shape), str(t.dtype).removeprefix("torch.")) for name, t in state]


def built_in(kind: str) -> list[str]:
    registry = getattr(registries, f"{kind}s")
    return [name for name in registry if registry.record(name).distribution == "registry-core"]


@pytest.mark.parametrize("name", built_in("layer"))
def test_every_layer(name: str) -> None:
    """On every shape that its example takes, and with what can be switched off."""
    declared = registries.layers[name]
    variants: list[dict[str, Any]] = [{}]
    for option in ("bias", "affine", "track_running_stats", "elementwise_affine"):
        if option in declared.model_fields:
            variants += [{option: value} for value in (True, False)]
    if "groups" in declared.model_fields:
        variants.append({"groups": 2})
    tried = 0
    for parameters in variants:
        layer: Any = resolved("layer", {name: {**declared.example, **parameters}})
        for shape in LAYER_SHAPES:
            try:
                sized = layer.with_sizes(shape)
            except CheckFailed:
                continue
            same_as_built(sized.modules(), sized.build())
            tried += 1
    assert tried


def test_layers_without_sizes_are_not_known() -> None:
    layers = (registries.layers[name] for name in ("conv2d", "batch_norm2d", "linear", "layer_norm", "group_norm"))
    assert all(layer.model_construct(**layer.example).modules() is None for layer in layers)
    repeated: Any = resolved("layer", {"repeat": {"times": 2, "layers": [{"linear": {"out_features": 3}}]}})
    assert repeated.modules() is None
    assert repeated.count_parameters() is None


MODELS: dict[str, list[dict[str, Any]]] = {
    "net": [{}, {"in_channels": 1, "size": [28, 20], "padding": 1, "num_classes": 3}],
    "lenet": [{}, {"in_channels": 3, "size": 40}],
    "mlp": [{"size": 4, "hidden": []}, {"size": [3, 5], "hidden": [7, 6], "dropout": 0.1, "bias": False}],
    "unet": [{}, {"depth": 1, "width": 3}, {"in_channels": 3, "num_classes": 5, "depth": 4, "width": 2}],
    "crnn": [{}, {"recurrent": "gru", "size": [18, 20], "features": 3, "hidden": 5}],
    "sparse_bag": [{"size": 8}, {"size": [3, 5], "in_channels": 3, "levels": 2}],
    "pair": [{"network": {"mlp": {"size": 8}}}],
    "pair_distance": [{"network": {"net": {}}}],
    "pair_ranking": [{"network": {"mlp": {"size": 8, "num_classes": 1}}}],
    "triplet": [{"network": {"unet": {}}}],
    "gaussian": [{"network": {"mlp": {"size": 8, "num_classes": 2}}}],
    "sequential": [],
    "torchvision_model": [{"arch": "googlenet", "num_classes": 3}, {"arch": "vit_b_32", "in_channels": 1}],
}


@pytest.mark.parametrize("name", built_in("model"))
def test_every_model(name: str) -> None:
    for parameters in (dict(registries.models[name].example), *MODELS[name]):
        model: Any = resolved("model", {name: parameters})
        same_as_built(model.modules(), model.build())


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_every_pipeline(path: Path) -> None:
    """The models of all examples and of all pipelines of the tests."""
    model = load_unseen(path).spec.model
    with torch.device("meta"):
        same_as_built(model.modules(), model.build())


class Plain(nn.Module):
    """A layer as anybody writes it."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))


@pytest.mark.parametrize("family", sorted({arch[:4] for arch in get_args(Architecture)}))
def test_every_architecture_of_torchvision(family: str) -> None:
    """With other numbers of classes and channels than the file was made with."""
    different = []
    for arch in get_args(Architecture):
        if arch.startswith(family):
            said = torchvision_modules(arch, 7, 1)
            try:
                with shapes_only():
                    same_as_built(said, torchvision_model(arch, 7, 1))
            except (AssertionError, ValueError) as error:
                different.append(f"{arch}: {error}")
    assert not different, (
        f"torchvision {torchvision.__version__} builds other modules than data/torchvision_modules.zip says, which "
        "must hold for every torchvision that pyproject.toml allows. Make it anew with "
        "plugins/builtin/make_torchvision_modules.py, and require that torchvision; or leave these architectures out "
        "of it:\n" + "\n".join(different)
    )


def test_the_file_of_torchvision_is_what_its_script_makes() -> None:
    with zipfile.ZipFile(FILE) as archive:
        assert archive.namelist() == list(get_args(Architecture))
        for arch in ("resnet18", "squeezenet1_0"):
            assert json.loads(archive.read(arch)) == recorded(arch)
    assert FILE.stat().st_size < 200_000


def test_a_plain_layer_makes_the_model_unknown(distribution: Any) -> None:
    text = "from torch import nn\n\n\nclass Plain(nn.Module):\n    pass\n"
    distribution("acme", "[registry_core.v1.layers]\nplain = acme_plain:Plain\n", modules={"acme_plain": text})
    for layers in (["plain"], [{"block": {"layers": ["plain"]}}], [{"concat": {"branches": ["relu", "plain"]}}]):
        model: Any = resolved("model", {"sequential": {"input": [3, 8, 8], "layers": layers}})
        assert model.modules() is None
        wrapped: Any = resolved("model", {"pair": {"network": {"sequential": {"input": [3, 8, 8], "layers": layers}}}})
        assert wrapped.modules() is None


def test_a_model_whose_layers_do_not_fit_is_not_known() -> None:
    layers = ["flatten", {"conv2d": {"out_channels": 3, "kernel_size": 1}}]
    model: Any = resolved("model", {"sequential": {"input": [3, 8, 8], "layers": layers}})
    assert model.modules() is None


def test_models_and_layers_of_others_are_not_known() -> None:
    assert Model().modules() is None
    assert Layer().modules() is None
    assert Layer().count_parameters() is None


class Shared(nn.Module):
    """Parameters and modules that occur more than once, and buffers that are not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight
        self.again = self.first
        self.register_buffer("steps", torch.zeros(2, dtype=torch.int32))
        self.register_buffer("passing", torch.zeros(2), persistent=False)


def test_facts_of_a_built_model() -> None:
    """Shared ones have the name under which ``named_parameters`` has them."""
    first = (TensorFacts("weight", (3, 3)), TensorFacts("bias", (3,)))
    assert facts_of(Shared()) == (
        ModuleFacts("", ("Shared", "Module"), (), (TensorFacts("steps", (2,), "int32"),)),
        ModuleFacts("first", ("Linear", "Module"), first),
        ModuleFacts("second", ("Linear", "Module"), (TensorFacts("weight", (3, 3), shared_name="first.weight"),)),
    )
    assert parameter_shapes(facts_of(Shared())) == {n: tuple(p.shape) for n, p in Shared().named_parameters()}
    for model in (nn.LSTM(3, 2), nn.MultiheadAttention(4, 2), nn.Sequential(nn.BatchNorm2d(3), nn.PReLU())):
        same_as_built(facts_of(model), model)


def test_they_are_known_without_torch() -> None:
    path = ROOT / "examples" / "residual.yaml"
    code = f"""
import sys
from registry_core.loaded import load_unseen
model = load_unseen({str(path)!r}).spec.model
assert len(model.modules()) > 20
assert not {{"torch", "numpy"}} & set(sys.modules)
"""
    python(code)
