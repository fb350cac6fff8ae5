"""Timm models are those of ``timm.create_model``, and mistakes are reported before a run."""

# A test's name says what it shows.
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from pydantic import ValidationError
from registry_core_timm.objects.models import create

from registry_core import registries
from registry_core.components import CheckFailed, Image

DATA = json.loads((Path(__file__).parent.parent / "registry_core_timm" / "data" / "models.json").read_text())


def smallest_of_each_family() -> list[str]:
    """Return the smallest model of each class that the installed timm has."""
    found: dict[str, tuple[int, str]] = {}
    for name, (constructor, *_, numbers, _) in DATA["models"].items():
        family = DATA["constructors"][constructor]["class"]
        if timm.is_model(name):
            found[family] = min(found.get(family, (numbers, name)), (numbers, name))
    return sorted(name for _, name in found.values())


def shapes(network: torch.nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, tensor.shape) for name, tensor in network.state_dict().items()]


def test_there_are_many_families() -> None:
    assert len(smallest_of_each_family()) > 80


@pytest.mark.parametrize("name", smallest_of_each_family())
def test_a_model_of_each_family(name: str) -> None:
    """Compare with timm on the meta device, without parameters and with all defaults."""
    declared = registries.models[f"timm_{name}"]
    with torch.device("meta"):
        theirs = timm.create_model(name)
        assert shapes(declared().build()) == shapes(theirs)
        if timm.__version__ == DATA["timm"]:  # an older timm lacks some of the parameters
            fields = {key: field.default for key, field in declared.model_fields.items()}
            given = {key: fields[key] for key in fields if key not in ("pretrained", "tag") and fields[key] is not None}
            told = create(name, None, given, DATA["timm"])
            assert shapes(told) == shapes(theirs)
            assert repr(told) == repr(theirs)


@pytest.mark.parametrize("name", smallest_of_each_family()[::3])
def test_one_row_of_logits_for_each_image(name: str) -> None:
    """Classes and channels differ from the defaults; parameters have the same shapes as in timm."""
    declared = registries.models[f"timm_{name}"]
    channels = 1 if "in_chans" in declared.model_fields else 3
    changed: dict[str, Any] = {"num_classes": 7, "in_chans": channels}
    with torch.device("meta"):
        network = declared(**{key: changed[key] for key in changed if key in declared.model_fields}).build().eval()
        assert shapes(network) == shapes(timm.create_model(name, **changed))
        size = declared.facts.size  # type: ignore[attr-defined]  # of this plugin's models
        assert network(torch.zeros(2, channels, *size)).shape == (2, 7)


TINY: list[tuple[str, dict[str, Any], tuple[int, int, int]]] = [
    ("test_resnet", {"num_classes": 10, "in_chans": 1}, (1, 32, 32)),
    ("test_vit", {"num_classes": 10, "img_size": (32, 48), "drop_path_rate": 0.1, "patch_size": 8}, (3, 32, 48)),
    ("test_efficientnet", {"num_classes": 5, "drop_rate": 0.2}, (3, 64, 64)),
    ("test_convnext", {"num_classes": 0}, (3, 64, 64)),
    ("test_byobnet", {"num_classes": 10, "global_pool": "max"}, (3, 64, 64)),
    ("resnet10t", {"num_classes": 10, "avg_down": False, "act_layer": "silu"}, (3, 32, 32)),
    ("levit_128s", {}, (3, 224, 224)),
]


@pytest.mark.parametrize(("name", "parameters", "size"), TINY, ids=[name for name, *_ in TINY])
def test_equal_bits(name: str, parameters: dict[str, Any], size: tuple[int, int, int]) -> None:
    declared = registries.models[f"timm_{name}"]
    parameters = {key: value for key, value in parameters.items() if key in declared.model_fields}
    torch.manual_seed(3)
    ours = declared(**parameters).build().eval()
    torch.manual_seed(3)
    theirs = timm.create_model(name, **parameters).eval()
    left, right = ours.state_dict(), theirs.state_dict()
    assert list(left) == list(right)
    assert all(torch.equal(left[key], right[key]) for key in left)
    images = torch.rand(2, *size)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))
        outputs = []
        for network in (ours.train(), theirs.train()):  # with the same dropout
            torch.manual_seed(4)
            outputs.append(network(images))
        assert torch.equal(*outputs)


def image(channels: int | None, height: int | None, width: int | None = None) -> Image:
    return Image("float", channels=channels, height=height, width=width or height)


def test_what_comes_out() -> None:
    resnet, siglip = registries.models["timm_resnet18"], registries.models["timm_vit_base_patch16_siglip_224"]
    assert (resnet().get_output_form(), resnet().num_outputs(), resnet().output_shape()) == ("logits", 1000, (1000,))
    assert (resnet(num_classes=0).get_output_form(), resnet(num_classes=0).num_outputs()) == ("embeddings", None)
    assert (siglip().get_output_form(), siglip().num_outputs()) == ("embeddings", 768)
    assert siglip(embed_dim=384, num_heads=6).num_outputs() is None
    assert (siglip(num_classes=10).get_output_form(), siglip(num_classes=10).num_outputs()) == ("logits", 10)


def test_images_of_any_size() -> None:
    resnet = registries.models["timm_resnet18"]
    resnet(in_chans=1).check_input(image(1, 8))
    resnet().check_input(image(None, None))
    with pytest.raises(CheckFailed, match="expects 3 input channels, but the image has 1") as failed:
        resnet().check_input(image(1, 224))
    assert failed.value.remedy == "Set in_chans to 1."
    with pytest.raises(CheckFailed, match="expects 1 input channel, but the image has 3") as failed:
        resnet(in_chans=1).check_input(image(3, 224))
    assert failed.value.remedy == "Set in_chans to 3, or add grayscale."
    with pytest.raises(CheckFailed) as failed:
        registries.models["timm_csatv2"]().check_input(image(1, 512))
    assert failed.value.remedy == "Add `grayscale: {num_output_channels: 3}`, or choose another model."


def test_whole_numbers_stay_whole() -> None:
    """This network multiplies channels by a value annotated as float."""
    with torch.device("meta"):
        assert shapes(registries.models["timm_repvit_m0_9"](mlp_ratio=3.0).build()) == shapes(
            timm.create_model("repvit_m0_9", mlp_ratio=3)
        )


def test_images_of_one_size() -> None:
    vit = registries.models["timm_vit_tiny_patch16_224"]
    vit().check_input(image(3, 224))
    vit(img_size=96).check_input(image(3, 96))
    vit(img_size=(32, 64)).check_input(image(3, 32, 64))
    vit(dynamic_img_size=True).check_input(image(3, 96))
    with pytest.raises(CheckFailed, match="expects 224 x 224 pixels, but the image has 96 x 96") as failed:
        vit().check_input(image(3, 96))
    assert failed.value.remedy == "Set img_size to [96, 96], or add `resize: {size: [224, 224]}`."
    with pytest.raises(CheckFailed) as failed:
        vit().check_input(image(3, 100))
    assert failed.value.remedy == "Add `resize: {size: [224, 224]}`."  # 100 is not whole patches
    swin = registries.models["timm_swin_tiny_patch4_window7_224"]
    swin(strict_img_size=False).check_input(image(3, 256))
    with pytest.raises(CheckFailed, match="224 x 224"):
        swin().check_input(image(3, 256))


@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "mixer_s16_224", "volo_d1_224"]
)
def test_the_sizes_that_are_refused_really_fail(name: str) -> None:
    network = timm.create_model(name).eval()
    with pytest.raises(CheckFailed):
        registries.models[f"timm_{name}"]().check_input(image(3, 160))
    with pytest.raises(Exception), torch.no_grad():  # noqa: B017, PT011  # each network fails in its own way
        network(torch.zeros(1, 3, 160, 160))


def test_images_that_are_too_small() -> None:
    name = next(
        name
        for name, (_, facts, *_rest) in DATA["models"].items()
        if DATA["inputs"][facts][2] and not DATA["inputs"][facts][1]
    )
    with pytest.raises(CheckFailed, match="pixels, but the image has 8 x 8"):
        registries.models[f"timm_{name}"]().check_input(image(3, 8))


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"num_classes": -1}, "greater than or equal to 0"),
    ({"in_chans": 0}, "greater than or equal to 1"),
    ({"drop_rate": 1.0}, "less than 1"),
    ({"num_classes": "10"}, "valid integer"),
    ({"global_pool": ""}, "keeps the features of all positions"),
    ({"tag": "a1_in1k"}, "only if pretrained is true"),
    ({"tag": "nonsense", "pretrained": True}, "'a1_in1k'"),
    ({"colours": 3}, "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("parameters", "message"), MISTAKES)
def test_mistakes(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        registries.models["timm_resnet18"](**parameters)


def test_what_timm_cannot_build_is_said_in_a_sentence() -> None:
    with pytest.raises(
        CheckFailed, match=r"timm cannot build the model with these parameters: AssertionError"
    ) as failed:
        registries.models["timm_vit_tiny_patch16_224"](num_heads=5).build()
    assert failed.value.remedy == "See the defaults: registry-core show model/timm_vit_tiny_patch16_224"


WEIGHTS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("resnet18", {}, "resnet18.a1_in1k", {"in_chans": 3, "global_pool": "avg"}),
    ("resnet18", {"tag": "tv_in1k"}, "resnet18.tv_in1k", {"in_chans": 3, "global_pool": "avg"}),
    (
        "vit_tiny_patch16_224",
        {"tag": "augreg_in21k", "in_chans": 1},
        "vit_tiny_patch16_224.augreg_in21k",
        {"in_chans": 1, "global_pool": "token", "img_size": (224, 224)},
    ),
]


@pytest.mark.parametrize(("name", "parameters", "full_name", "given"), WEIGHTS)
def test_weights_are_asked_for_by_their_tag(
    name: str, parameters: dict[str, Any], full_name: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """timm is called with the right weights, and its error is reported; nothing is downloaded."""
    asked: list[tuple[Any, ...]] = []

    def offline(full_name: str, **given: Any) -> None:
        asked.append((full_name, given))
        raise OSError("no network.")

    monkeypatch.setattr(timm, "create_model", offline)
    model = registries.models[f"timm_{name}"](pretrained=True, num_classes=10, **parameters)
    with pytest.raises(
        CheckFailed, match=f"timm cannot load the weights '{full_name}': OSError: no network.$"
    ) as failed:
        model.build()
    assert failed.value.remedy == "Check the network connection, or omit pretrained."
    assert asked == [(full_name, {"pretrained": True, "num_classes": 10, **given})]
    config = timm.get_pretrained_cfg(full_name)
    assert config is not None
    assert config.has_weights


def test_weights_are_fitted_to_classes_and_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm loads the weights itself; only the download is replaced."""
    from timm.models import _builder

    donor = timm.create_model("test_resnet").state_dict()
    monkeypatch.setattr(_builder, "load_state_dict_from_hf", lambda *where, **how: dict(donor))
    declared = registries.models["timm_test_resnet"]
    whole = declared(pretrained=True).build().state_dict()
    assert all(torch.equal(whole[key], donor[key]) for key in donor)
    fitted = declared(pretrained=True, num_classes=10, in_chans=1).build().state_dict()
    assert fitted["fc.weight"].shape[0] == 10
    assert torch.allclose(fitted["conv1.0.weight"], donor["conv1.0.weight"].sum(1, keepdim=True))
    same = [key for key in donor if key not in ("conv1.0.weight", "fc.weight", "fc.bias")]
    assert all(torch.equal(fitted[key], donor[key]) for key in same)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that an older timm is installed."""
    monkeypatch.setattr(timm, "__version__", "1.0.7")


def test_a_timm_that_lacks_a_model(older: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "is_model", lambda name: False)
    with pytest.raises(CheckFailed, match=r"The installed timm 1\.0\.7 has no model 'resnet18'") as failed:
        registries.models["timm_resnet18"]().build()
    assert failed.value.remedy == f"Run: pip install 'timm=={DATA['timm']}'"


def test_a_timm_that_lacks_a_parameter(older: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def create_model(name: str, pretrained: bool, num_classes: int, in_chans: int, global_pool: str) -> None: ...

    monkeypatch.setattr(timm, "create_model", create_model)
    with pytest.raises(CheckFailed, match="has no parameter 'avg_down' of the model 'resnet18'"):
        registries.models["timm_resnet18"](avg_down=True).build()
