"""Timm schedulers set the same learning rates in every unit as the training loop of timm."""

# A test's name says what it shows.
from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import timm.scheduler
import torch
from pipelines import same, written
from pydantic import ValidationError

import registry_core
from registry_core import registries
from registry_core.components import CheckFailed, Horizon, RunFacts

HORIZON = Horizon(epochs=12, steps_per_epoch=5, total_steps=60)
RATES = (0.1, 0.02)
"""Learning rates of two groups."""

CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("cosine", "CosineLRScheduler", {}, {"t_initial": 12}),
    ("cosine", "CosineLRScheduler", {"lr_min": 1e-3, "k_decay": 1.5}, {"t_initial": 12}),
    ("cosine", "CosineLRScheduler", {"t_initial": 3, "cycle_mul": 2.0, "cycle_decay": 0.5, "cycle_limit": 2}, {}),
    ("cosine", "CosineLRScheduler", {"noise_range_t": [2, 9], "noise_seed": 7}, {"t_initial": 12}),
    ("cosine", "CosineLRScheduler", {"noise_range_t": 5, "noise_pct": 0.2, "noise_std": 0.1}, {"t_initial": 12}),
    ("tanh", "TanhLRScheduler", {}, {"t_initial": 12}),
    ("tanh", "TanhLRScheduler", {"lb": -4.0, "ub": 2.0, "t_initial": 4, "cycle_limit": 3, "cycle_decay": 0.9}, {}),
    ("poly", "PolyLRScheduler", {"power": 2.0}, {"t_initial": 12}),
    ("poly", "PolyLRScheduler", {"lr_min": 1e-4, "k_decay": 0.5, "t_initial": 7}, {}),
    ("step", "StepLRScheduler", {"decay_t": 2.5, "decay_rate": 0.5}, {}),
    ("multi_step", "MultiStepLRScheduler", {"decay_t": [3, 4, 9], "decay_rate": 0.1}, {}),
    ("multi_step", "MultiStepLRScheduler", {"decay_t": [1, 5], "decay_rate": 0.1}, {}),
    ("wsd", "WSDLRScheduler", {"decay_t": 4}, {"t_initial": 12}),
    ("wsd", "WSDLRScheduler", {"decay_t": 3, "stable_fn": "rsqrt", "stable_timescale": 4.0}, {"t_initial": 12}),
    ("wsd", "WSDLRScheduler", {"decay_t": 5, "decay_fn": "exp", "lr_min": 1e-3, "t_initial": 9}, {}),
]
WARM: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("cosine", "CosineLRScheduler", {"warmup_t": 3, "warmup_lr_init": 1e-4}, {"t_initial": 12}),
    ("cosine", "CosineLRScheduler", {"warmup_t": 3, "warmup_prefix": True}, {"t_initial": 9}),
    ("tanh", "TanhLRScheduler", {"warmup_t": 2, "warmup_lr_init": 1e-5}, {"t_initial": 12}),
    ("poly", "PolyLRScheduler", {"warmup_t": 4}, {"t_initial": 12}),
    ("step", "StepLRScheduler", {"decay_t": 2.0, "decay_rate": 0.5, "warmup_t": 3}, {}),
    ("step", "StepLRScheduler", {"decay_t": 2.0, "decay_rate": 0.5, "warmup_t": 3, "warmup_prefix": False}, {}),
    ("multi_step", "MultiStepLRScheduler", {"decay_t": [3, 6], "decay_rate": 0.1, "warmup_t": 2}, {}),
    ("wsd", "WSDLRScheduler", {"decay_t": 4, "warmup_t": 3, "stable_fn": "rsqrt"}, {"t_initial": 9}),
]
KNOWN = [case for case in CASES + WARM if hasattr(timm.scheduler, case[1])]
"""Cases that the installed timm supports; an older one lacks some."""


def names(cases: list[Any]) -> list[str]:
    return [f"{name}-{number}" for number, (name, *_) in enumerate(cases)]


def optimizer(rates: tuple[float, ...]) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates])


def rates_of(own: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in own.param_groups]


def scaled(options: dict[str, Any], factor: int) -> dict[str, Any]:
    """Return the same options, with lengths in steps."""
    lengths = ("t_initial", "warmup_t", "decay_t", "stable_timescale")

    def times(value: Any) -> Any:
        return [item * factor for item in value] if isinstance(value, list) else value * factor

    return {key: times(value) if key in lengths else value for key, value in options.items()}


def of_timm(kind: str, options: dict[str, Any], rates: tuple[float, ...], by: str, units: int) -> list[list[float]]:
    """Return the rates of the timm scheduler, called as in ``train.py`` of timm."""
    own = optimizer(rates)
    scheduler = getattr(timm.scheduler, kind)(own, **options, t_in_epochs=by == "epoch")
    found = [rates_of(own)]
    for unit in range(1, units):
        if by == "epoch":
            scheduler.step(unit)
        else:
            scheduler.step_update(num_updates=unit)
        found.append(rates_of(own))
    return found


@pytest.mark.parametrize("by", ["epoch", "step"])
@pytest.mark.parametrize(("name", "kind", "options", "filled"), KNOWN, ids=names(KNOWN))
def test_the_rates_are_those_of_timm(
    name: str, kind: str, options: dict[str, Any], filled: dict[str, Any], by: str
) -> None:
    """The scheduler is saved and loaded in every unit."""
    rates = RATES[:1] if options.get("warmup_t") else RATES
    factor, units = (1, 12) if by == "epoch" else (5, 60)
    own = scaled(options, factor)
    expected = of_timm(kind, {**own, **scaled(filled, factor)}, rates, by, units)
    declared = registries.schedulers[f"timm_{name}"](by=by, **own)
    driven = optimizer(rates)
    scheduler = declared.build(driven, HORIZON)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    found = [rates_of(driven)]
    for _ in range(1, units):
        state, saved = json.loads(json.dumps(scheduler.state_dict())), driven.state_dict()
        driven = optimizer(rates)
        scheduler = declared.build(driven, HORIZON)
        driven.load_state_dict(saved)
        scheduler.load_state_dict(state)
        driven.step()
        scheduler.step()
        found.append(rates_of(driven))
        assert scheduler.get_last_lr() == found[-1]
    assert found == expected
    assert len({tuple(rates) for rates in found}) > 1


def recorded(folder: Path) -> list[float]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row["lr"] for row in rows]


@pytest.mark.parametrize("by", ["epoch", "step"])
def test_a_run_with_a_scheduler_of_timm(by: str, tmp_path: Path) -> None:
    """The logged rates are those of timm; stopped and resumed, the run ends with the same bits."""
    length = 4 if by == "epoch" else 24
    scheduler = {"timm_cosine": {"by": by, "t_initial": length, "lr_min": 1e-4, "noise_range_t": [2, length]}}
    path = written(
        tmp_path, optim__scheduler=scheduler, train={"epochs": 4, "device": "cpu", "log_every": "1 step"}, metrics=[]
    )
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    options = {"t_initial": length, "lr_min": 1e-4, "noise_range_t": [2, length]}
    rates = [found for (found,) in of_timm("CosineLRScheduler", options, (0.003,), by, length)]
    steps = recorded(tmp_path / "whole")
    assert steps == [rates[step // 6 if by == "epoch" else step] for step in range(24)]
    registry_core.train(registry_core.load(path, ["train.max_steps=7"]), tmp_path / "parted")
    resumed = registry_core.resume(tmp_path / "parted", registry_core.load(path))
    assert resumed.summary["guarantee"] == "exact"
    assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())
    assert recorded(tmp_path / "parted") == steps


def test_as_part_of_another(tmp_path: Path) -> None:
    first = {"timm_step": {"decay_t": 1.0, "decay_rate": 0.5}}
    parts = {"schedulers": [first, {"timm_cosine": {"lr_min": 0.001}}], "milestones": [2]}
    path = written(tmp_path, optim__scheduler={"sequential": parts}, train={"epochs": 4, "device": "cpu"}, metrics=[])
    registry_core.train(registry_core.load(path), tmp_path / "run")
    cosine = of_timm("CosineLRScheduler", {"t_initial": 2, "lr_min": 0.001}, (0.003,), "epoch", 2)
    assert recorded(tmp_path / "run") == [0.003, 0.0015, *(rate for (rate,) in cosine)]


def test_after_a_warm_up_of_the_core(tmp_path: Path) -> None:
    """The schedule spans the rest of the run after the warm-up: two epochs of six steps."""
    scheduler = {"timm_poly": {"power": 1.0, "warmup": {"length": "1 epoch", "start": 0.5}}}
    path = written(
        tmp_path, optim__scheduler=scheduler, train={"epochs": 3, "device": "cpu", "log_every": "1 step"}, metrics=[]
    )
    registry_core.train(registry_core.load(path), tmp_path / "run")
    poly = of_timm("PolyLRScheduler", {"t_initial": 2, "power": 1.0}, (0.003,), "epoch", 2)
    rates = recorded(tmp_path / "run")
    assert rates[:6] == pytest.approx([0.003 * (0.5 + 0.5 * step / 6) for step in range(6)])
    assert rates[6:] == [rate for (rate,) in poly for _ in range(6)]


def checked(name: str, **options: Any) -> CheckFailed:
    (warning,) = registries.schedulers[f"timm_{name}"](**options).warnings(facts_of_run())
    return warning


def facts_of_run() -> RunFacts:
    return RunFacts({}, (), (), "any", horizon=HORIZON)


def test_what_does_not_fit_the_run() -> None:
    assert "never leaves its warm-up: warmup_t is 12 epochs" in checked("cosine", warmup_t=12).message
    assert "t_initial is 5000 epochs" in checked("cosine", t_initial=5000).message
    failed = checked("step", decay_t=30.0)
    assert "never changes the learning rate: decay_t is 30 epochs and the run has 12 epochs" in failed.message
    assert "not optimizer steps" in failed.remedy
    assert "first change is epoch 13 (from 1)" in checked("multi_step", decay_t=[13]).message
    assert "cools down for 11 epochs" in checked("wsd", decay_t=11, warmup_t=3).message
    assert not registries.schedulers["timm_step"](decay_t=30.0, by="step").warnings(facts_of_run())


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("cosine", {"cycle_limit": 2}, "the length of the first one is required"),
    ("cosine", {"warmup_t": 2, "warmup": "1 epoch"}, "alternative warm-ups"),
    ("cosine", {"cycle_mul": 0.5}, "greater than or equal to 1"),
    (
        "cosine",
        {"t_initial": 3, "cycle_limit": 2, "cycle_mul": 2.0, "k_decay": 0.5},
        "`k_decay` of timm requires cycles of equal length",
    ),
    ("poly", {"t_initial": 3, "cycle_limit": 2, "cycle_mul": 2.0}, "`power` of timm requires cycles of equal length"),
    ("tanh", {"lb": 3.0}, "`lb` must be less than ub"),
    ("multi_step", {"decay_t": [5, 5]}, "in increasing order"),
    ("step", {}, "Field required"),
    ("wsd", {"decay_t": 3, "stable_fn": "rsqrt"}, "requires stable_timescale"),
    ("wsd", {"decay_t": 9, "t_initial": 5}, "part of t_initial"),
    ("wsd", {"decay_t": 9, "decay_fn": "sqrt"}, "1-sqrt"),
]


@pytest.mark.parametrize(("name", "options", "message"), MISTAKES)
def test_mistakes(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        registries.schedulers[f"timm_{name}"](**options)


def test_timm_warms_all_groups_up_from_one_rate() -> None:
    declared = registries.schedulers["timm_cosine"](warmup_t=3, by="step")
    with pytest.raises(CheckFailed, match="starts all parameter groups with the same learning rate") as failed:
        declared.build(optimizer(RATES), HORIZON)
    assert failed.value.remedy == "Write `warmup: 3 steps` instead of warmup_t."


def test_a_timm_that_lacks_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(timm.scheduler, "WSDLRScheduler", raising=False)
    with pytest.raises(CheckFailed, match="has no scheduler 'WSDLRScheduler'"):
        registries.schedulers["timm_wsd"](decay_t=3).build(optimizer(RATES), HORIZON)


def test_every_parameter_of_timm_is_there_with_its_default() -> None:
    """Exceptions are those that registry-core sets, and defaults that are the length of the run."""
    import inspect

    for name in ("cosine", "tanh", "poly", "step", "multi_step", "wsd"):
        declared = registries.schedulers[f"timm_{name}"]
        kind = getattr(timm.scheduler, declared.timm_class, None)  # type: ignore[attr-defined]  # of this plugin
        if kind is None:
            continue
        parameters = inspect.signature(kind).parameters
        assert set(parameters) - {"optimizer", "t_in_epochs", "initialize"} == set(declared.model_fields) - {
            "by",
            "warmup",
        }
        for key, parameter in parameters.items():
            if parameter.default is not parameter.empty and key in declared.model_fields:
                assert declared.model_fields[key].default == parameter.default, (name, key)


def test_nothing_is_printed_when_it_is_built() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registries.schedulers["timm_cosine"]().build(optimizer(RATES), HORIZON)
