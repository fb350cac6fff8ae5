"""Discovery from real metadata files: what is found, and what stands in the way without harming the rest."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

from registry_core.catalog import KINDS, installed
from registry_core.catalog.policy import Policy
from registry_core.diagnostics import BrokenComponent, NameConflict, UnknownComponent
from registry_core.registry import registries

LOSSES = "[registry_core.v1.losses]\n"


def test_the_twelve_kinds_and_their_groups() -> None:
    assert [kind.name for kind in KINDS.values()] == (
        [
            "transform",
            "init",
            "loss",
            "optimizer",
            "scheduler",
            "dataset",
            "sampler",
            "model",
            "layer",
            "metric",
            "hook",
            "function",
        ]
    )
    assert KINDS["loss"].group == "registry_core.v1.losses"
    assert set(registries.BY_KIND) == set(KINDS)


def test_built_ins_are_found_as_the_project_declares_them() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    expected = {(group, name, target) for group, points in declared.items() for name, target in points.items()}
    found = {
        (KINDS[record.kind].group, record.name, record.target)
        for record in installed().records
        if record.distribution == "registry-core"
    }
    assert found == expected, "re-run `pip install -e .`: the installed metadata are stale"


def test_a_foreign_distribution_is_found_without_import(distribution: Callable[..., Path]) -> None:
    distribution("acme-losses", LOSSES + "focal = acme_absent:Focal\n", version="2.1")
    record = installed().find("loss", "focal")
    assert (record.distribution, record.version, record.target) == ("acme-losses", "2.1", "acme_absent:Focal")


@pytest.mark.parametrize(
    "entry_points",
    [
        "[registry_core.v1.losses]\nthis line has no equals sign\n",
        "[registry_core.v1.losses\nfocal = a:b\n",
        "garbage registry_core. \x00",
        "[registry_core.v1.losses]\nNot A Name = a:b\n",
        "[registry_core.v1.losses]\nfocal = no_attribute\n",
        "[registry_core.v9.losses]\nfocal = a:b\n",
        "[registry_core.v1.loses]\nfocal = a:b\n",
    ],
)
def test_a_malformed_neighbour_harms_nobody(distribution: Callable[..., Path], entry_points: str) -> None:
    distribution("broken-neighbour", entry_points)
    catalog = installed()
    assert catalog.find("loss", "cross_entropy").distribution == "registry-core"
    assert not [record for record in catalog.records if record.distribution == "broken-neighbour"]


def test_an_unknown_group_is_reported(distribution: Callable[..., Path]) -> None:
    distribution("misspelt", "[registry_core.v1.loses]\nfocal = a:b\n")
    (finding,) = [found for found in installed().findings if found.distribution == "misspelt"]
    assert "'registry_core.v1.loses' is unknown. Did you mean 'registry_core.v1.losses'" in finding.message


def test_a_name_that_two_claim_is_an_error_when_used(distribution: Callable[..., Path]) -> None:
    distribution("acme-losses", LOSSES + "mse = acme:MSE\n")
    assert installed().find("loss", "l1").name == "l1"
    with pytest.raises(NameConflict, match=r"'mse'.*acme-losses 1.0 and registry-core.*'acme-losses:mse'"):
        installed().find("loss", "mse")
    assert installed().find("loss", "registry-core:mse").distribution == "registry-core"
    assert installed().find("loss", "acme-losses:mse").target == "acme:MSE"


def test_the_first_copy_on_the_path_wins_and_the_second_is_reported(distribution: Callable[..., Path]) -> None:
    distribution("acme-losses", LOSSES + "old = acme:Old\n", version="1.0")
    distribution("Acme_Losses", LOSSES + "new = acme:New\n", version="2.0")
    names = [record.name for record in installed().records if record.distribution == "acme-losses"]
    assert names == ["new"]
    assert any("second copy" in finding.message for finding in installed().findings)


def test_unknown_names_get_near_matches_and_the_right_kind() -> None:
    with pytest.raises(UnknownComponent, match="Did you mean 'cross_entropy'"):
        installed().find("loss", "cross_entropi")
    with pytest.raises(UnknownComponent, match="Did you mean 'random_horizontal_flip'"):
        installed().find("transform", "RandomHorizontalFlip")
    with pytest.raises(UnknownComponent, match="'step' is a scheduler; put an optimizer here"):
        installed().find("optimizer", "step")


def test_a_component_that_does_not_import_breaks_only_itself(distribution: Callable[..., Path]) -> None:
    distribution("acme", LOSSES + "bad = acme_bad:Loss\n", modules={"acme_bad": "raise RuntimeError('no licence')"})
    assert "bad" in registries.losses
    with pytest.raises(BrokenComponent, match=r"loss 'bad' of acme 1.0.*RuntimeError: no licence"):
        registries.losses["bad"]
    assert registries.losses["mse"].kind == "loss"


def test_a_declaration_of_another_kind_is_refused(distribution: Callable[..., Path]) -> None:
    distribution("acme", LOSSES + "odd = registry_builtin.optimizers.descent:SGD\n")
    with pytest.raises(BrokenComponent, match="declared as an optimizer, not a loss"):
        registries.losses["odd"]


def test_without_the_entry_points_of_the_built_ins_there_is_no_component(
    own_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry_core.catalog import catalog, scan

    everything = scan.scan(Policy()).records
    others = tuple(record for record in everything if record.distribution != "registry-core")
    monkeypatch.setattr(catalog, "scan", lambda policy: scan.Scan(records=others))
    catalog.refresh()
    try:
        left = {name for registry in registries.BY_KIND.values() for name in registry}
        assert left == {record.name for record in others}
    finally:
        monkeypatch.undo()
        catalog.refresh()


EXPECTED = {
    "transform": "center_crop random_crop random_resized_crop five_crop ten_crop random_horizontal_flip "
    "random_vertical_flip random_rotation resize normalize to_tensor pad color_jitter grayscale linear_transformation "
    "random_affine random_grayscale to_pil_image lambda random_choice random_apply random_order auto_augment "
    "rand_augment trivial_augment_wide aug_mix random_erasing gaussian_blur random_perspective elastic random_solarize "
    "random_posterize random_equalize random_autocontrast random_adjust_sharpness random_invert to_dtype mixup cutmix",
    "init": "xavier_uniform xavier_normal kaiming_uniform kaiming_normal uniform normal constant eye orthogonal sparse "
    "trunc_normal zeros ones dirac",
    "loss": "l1 mse cross_entropy kl_div bce bce_with_logits margin_ranking hinge_embedding multi_label_margin "
    "smooth_l1 soft_margin multi_label_soft_margin cosine_embedding multi_margin triplet_margin ctc nll nll_2d "
    "poisson_nll huber gaussian_nll triplet_margin_with_distance adaptive_log_softmax weighted_sum",
    "optimizer": "sgd asgd rprop adagrad adadelta rmsprop adam adamax sparse_adam lbfgs adamw nadam radam "
    "adafactor muon",
    "scheduler": "step multi_step exponential cosine_annealing reduce_on_plateau lambda linear constant polynomial "
    "cosine_annealing_warm_restarts cyclic one_cycle multiplicative chained sequential",
    "layer": "conv2d max_pool2d batch_norm2d relu dropout flatten linear",
}
"""Names that pipelines rely on: torch's and torchvision's in snake_case, without Loss or LR."""


@pytest.mark.parametrize("kind", EXPECTED)
def test_names_that_pipelines_rely_on(kind: str) -> None:
    assert set(EXPECTED[kind].split()) <= set(registries.BY_KIND[kind])
