"""What valid training is: optimizers, schedules for a run of two steps, first values, and hooks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from valid_images import Draw, number, one_of, some


def rate(draw: Draw) -> float:
    """A small learning rate."""
    return number(draw, 1e-4, 1e-2)


def decay(draw: Draw) -> float:
    return number(draw, 0, 0.99)


def optimizer(draw: Draw, name: str, *, sparse: bool = False) -> dict[str, Any]:
    """An optimizer with parameters in their ranges; for sparse gradients without what cannot be done with them."""
    flags = {
        "foreach": lambda: draw(st.booleans()),
        "weight_decay": lambda: number(draw, 0, 0.1),
    }
    adam = {"betas": lambda: [number(draw, 0, 0.9), number(draw, 0.9, 0.999)], "eps": lambda: one_of(draw, 1e-8, 1e-3)}
    own: dict[str, Any] = {
        "sgd": {"momentum": lambda: number(draw, 0, 0.9), **flags},
        "adam": {**adam, **flags, "amsgrad": lambda: True},
        "adamw": {**adam, **flags, "amsgrad": lambda: True},
        "adamax": {**adam, **flags},
        "nadam": {**adam, **flags, "momentum_decay": lambda: decay(draw)},
        "radam": {**adam, **flags},
        "sparse_adam": {**adam},
        "asgd": {**flags, "lambd": lambda: decay(draw), "alpha": lambda: decay(draw), "t0": lambda: number(draw, 0, 9)},
        "rprop": {"etas": lambda: [number(draw, 0.1, 0.9), number(draw, 1.1, 2)]},
        "adagrad": {**flags, "lr_decay": lambda: decay(draw), "initial_accumulator_value": lambda: decay(draw)},
        "adadelta": {**flags, "rho": lambda: decay(draw), "eps": lambda: one_of(draw, 1e-6, 1e-3)},
        "rmsprop": {**flags, "alpha": lambda: number(draw, 0.5, 0.99), "momentum": lambda: decay(draw)},
        "adafactor": {**flags, "beta2_decay": lambda: -decay(draw), "eps": lambda: [one_of(draw, None, 1e-5), 1e-3]},
        "lbfgs": {  # without torch's line search, which divides by zero where it comes to a point twice
            "max_iter": lambda: draw(st.integers(1, 3)),
            "max_eval": lambda: draw(st.integers(1, 4)),
            "history_size": lambda: draw(st.integers(1, 3)),
        },
        "muon": {
            "momentum": lambda: decay(draw),
            "nesterov": lambda: draw(st.booleans()),
            "ns_steps": lambda: draw(st.integers(1, 6)),
            "adjust_lr_fn": lambda: one_of(draw, "original", "match_rms_adamw"),
            "weight_decay": flags["weight_decay"],
        },
    }
    chosen = some(draw, **{key: make for key, make in own[name].items() if not (sparse and key == "weight_decay")})
    if name == "sgd" and chosen.get("momentum"):
        chosen |= one_of(draw, {}, {"nesterov": True}, {"dampening": number(draw, 0, 0.9)})
    if name in ("nadam", "radam") and chosen.get("weight_decay"):
        chosen["decoupled_weight_decay"] = draw(st.booleans())
    if name in ("sgd", "adam", "adamw", "adagrad") and not sparse and not chosen.get("foreach"):
        chosen["fused"] = one_of(draw, None, True)
    return {name: {"lr": rate(draw), **chosen}}


OPTIMIZERS = (
    "sgd", "adam", "adamw", "adamax", "nadam", "radam", "asgd", "rprop", "adagrad", "adadelta", "rmsprop", "adafactor",
    "lbfgs",
)  # fmt: skip
"""Those for dense gradients of any parameters."""

_MOVING = {"sgd", "adam", "adamw", "adamax", "nadam", "radam", "rmsprop", "muon", "sparse_adam"}
"""Optimizers with a momentum, or with betas whose first is one."""


def rate_function(draw: Draw, name: str = "", *, multiplies: bool = False) -> Any:
    """A function of factors on learning rates that differ from step to step, or that multiply each other."""
    name = name or one_of(draw, *(each for each in RATE_FUNCTIONS if multiplies or each != "constant_factor"))
    parameters: dict[str, Any] = {
        "constant_factor": lambda: {"factor": number(draw, 0.1, 0.9)},
        "power_decay": lambda: {"base": number(draw, 0.1, 0.9)},
        "linear_decay": lambda: {"length": draw(st.integers(1, 9)), **some(draw, end=lambda: number(draw, 0, 0.9))},
        "inverse_sqrt": lambda: {"warmup": draw(st.integers(1, 9))},
        "inverse_time_decay": lambda: {"rate": number(draw, 0.1, 3), **some(draw, power=lambda: number(draw, 0.5, 1))},
    }[name]()
    return {name: parameters} if parameters else name


RATE_FUNCTIONS = ("constant_factor", "power_decay", "linear_decay", "inverse_sqrt", "inverse_time_decay")


def scheduler(draw: Draw, name: str, groups: int, moving: bool, *, function: str = "") -> dict[str, Any]:
    """A schedule for a run of two steps in one epoch, with one value a group where it takes that."""

    def each(make: Any) -> Any:
        return [make() for _ in range(groups)] if groups > 1 or draw(st.booleans()) else make()

    cycling = {"cycle_momentum": moving and draw(st.booleans())}
    low, high = rate(draw), number(draw, 0.011, 0.02)
    parameters: dict[str, Any] = {
        "step": lambda: {"step_size": 1, "by": "step", **some(draw, gamma=lambda: number(draw, 0.1, 0.9))},
        "multi_step": lambda: {"milestones": [1], "by": "step"},
        "exponential": lambda: {"gamma": number(draw, 0.1, 0.9), **counted(draw)},
        "linear": lambda: {
            "start_factor": number(draw, 0.1, 0.9),
            "total_iters": one_of(draw, None, 1),
            **counted(draw),
        },
        "constant": lambda: {"factor": number(draw, 0.1, 0.9), "total_iters": 1, **counted(draw)},
        "polynomial": lambda: {"total_iters": None, "power": number(draw, 0.2, 3), **counted(draw)},
        "cosine_annealing": lambda: {**some(draw, eta_min=lambda: 1e-5, t_max=lambda: 1), **counted(draw)},
        "cosine_annealing_warm_restarts": lambda: {"t_0": 2, "t_mult": draw(st.integers(1, 3)), "by": "step"},
        "reduce_on_plateau": lambda: {
            "monitor": one_of(draw, "train/loss", "val/loss"),
            "patience": 0,
            **some(draw, threshold_mode=lambda: "abs", min_lr=lambda: each(lambda: 0.0)),
        },
        "cyclic": lambda: {
            "base_lr": each(lambda: low),
            "max_lr": each(lambda: high),
            "step_size_up": draw(st.integers(1, 2)),
            **cycling,
            **one_of(draw, {}, {"mode": one_of(draw, "triangular2", "exp_range")}, {"scale_fn": rate_function(draw)}),
        },
        "one_cycle": lambda: {
            "max_lr": each(lambda: high),
            "pct_start": one_of(draw, 0.1, 0.3, 0.5),
            **cycling,
            **some(draw, anneal_strategy=lambda: "linear", three_phase=lambda: True, div_factor=lambda: 5.0),
        },
        "lambda": lambda: {"lr_lambda": each(lambda: rate_function(draw, function)), **counted(draw)},
        "multiplicative": lambda: {
            "lr_lambda": each(lambda: rate_function(draw, function, multiplies=True)),
            **counted(draw),
        },
        "chained": lambda: {
            "schedulers": one_of(draw, [lowered(draw)], [at_full_rate(draw) for _ in range(draw(st.integers(1, 3)))]),
            "by": "step",
        },
        "sequential": lambda: {"schedulers": [lowered(draw), at_full_rate(draw)], "milestones": [1], "by": "step"},
    }[name]()
    return {name: parameters}


def counted(draw: Draw) -> dict[str, Any]:
    """The unit, of which a run of two steps has two, and a warm-up before the schedule."""
    rise = one_of(draw, "1 step", {"length": "1 step", "start": number(draw, 0, 0.9)})
    return {"by": "step", **some(draw, warmup=lambda: rise)}


def lowered(draw: Draw) -> Any:
    """A schedule inside another one that begins below the rate."""
    constant = {"constant": {"factor": number(draw, 0.1, 0.9), "total_iters": 1}}
    return one_of(draw, constant, {"linear": {"total_iters": None}})


def at_full_rate(draw: Draw) -> Any:
    """A schedule inside another one that begins with the rate."""
    falling = one_of(draw, "power_decay", "linear_decay", "inverse_time_decay")
    return one_of(
        draw,
        {"exponential": {"gamma": number(draw, 0.1, 0.9)}},
        {"polynomial": {"total_iters": None}},
        "cosine_annealing",
        {"cosine_annealing_warm_restarts": {"t_0": 1}},
        {"lambda": {"lr_lambda": rate_function(draw, falling)}},
        {"multiplicative": {"lr_lambda": rate_function(draw, multiplies=True)}},
    )


SCHEDULERS = (
    "step", "multi_step", "exponential", "linear", "constant", "polynomial", "cosine_annealing",
    "cosine_annealing_warm_restarts", "reduce_on_plateau", "cyclic", "one_cycle", "lambda", "multiplicative", "chained",
    "sequential",
)  # fmt: skip


def can_cycle(name: str) -> bool:
    """Whether an optimizer has a momentum."""
    return name in _MOVING


def first_values(draw: Draw, name: str) -> Any:
    """An init scheme."""
    gain = one_of(draw, number(draw, 0.1, 2), {"nonlinearity": one_of(draw, "relu", "tanh", "selu", "sigmoid")})
    parameters: dict[str, Any] = {
        "xavier_normal": lambda: some(draw, gain=lambda: gain),
        "xavier_uniform": lambda: some(draw, gain=lambda: gain),
        "kaiming_normal": lambda: some(draw, a=lambda: number(draw, 0, 1), mode=lambda: "fan_out"),
        "kaiming_uniform": lambda: some(draw, a=lambda: number(draw, 0, 1), nonlinearity=lambda: "relu"),
        "normal": lambda: some(draw, mean=lambda: number(draw, -1, 1), std=lambda: number(draw, 0.01, 1)),
        "uniform": lambda: {"a": number(draw, -1, 0), "b": number(draw, 0, 1)},
        "constant": lambda: {"value": number(draw, -1, 1)},
        "zeros": dict,
        "ones": dict,
        "trunc_normal": lambda: {"std": number(draw, 0.01, 1), "a": number(draw, -1, -0.1), "b": number(draw, 0.1, 1)},
        "eye": dict,
        "dirac": dict,
        "orthogonal": lambda: some(draw, gain=lambda: gain),
        "sparse": lambda: {"sparsity": number(draw, 0, 0.6), **some(draw, std=lambda: number(draw, 0.01, 1))},
    }[name]()
    return {name: parameters} if parameters else name


def hook(draw: Draw, name: str, layer: str) -> Any:
    """A hook; ``layer`` is a convolution of the model, if it has one."""
    every = some(draw, every=lambda: one_of(draw, "1 step", "1 epoch"))
    parameters: dict[str, Any] = {
        "progress": dict,
        "jsonl": lambda: {**every, **some(draw, file=lambda: "rows.jsonl")},
        "checkpoint": lambda: {**every, **some(draw, keep=lambda: draw(st.integers(1, 2)), best=lambda: "train/loss")},
        "early_stopping": lambda: {"monitor": "train/loss", **some(draw, patience=lambda: 1)},
        "tensorboard": lambda: some(draw, charts=lambda: {"loss": ["train/loss", "lr"]}, export=lambda: True),
        "tensorboard_histograms": lambda: {**every, **one_of(draw, {}, {"weights": False}, {"gradients": False})},
        "tensorboard_graph": dict,
        "tensorboard_embedding": lambda: {"section": "train", "count": draw(st.integers(1, 5)), **every},
        "tensorboard_images": lambda: {"section": "train", "count": draw(st.integers(1, 5)), **every},
        "tensorboard_video": lambda: {"section": "train", "frames": draw(st.integers(1, 2)), "index": 1},
        "tensorboard_boxes": lambda: {"section": "train", **some(draw, count=lambda: draw(st.integers(1, 5)))},
        "tensorboard_kernels": lambda: {"layer": layer, **every},
        "tensorboard_feature_maps": lambda: {"layer": layer, "section": "train", **every},
        "tensorboard_confusion_matrix": lambda: some(draw, normalize=lambda: True),
        "tensorboard_pr_curve": lambda: some(draw, raw=lambda: True, thresholds=lambda: draw(st.integers(2, 127))),
        "tensorboard_mesh": lambda: {"section": "train", "height": number(draw, 0.1, 1)},
        "tensorboard_audio": lambda: {"section": "train", "count": draw(st.integers(1, 2))},
    }[name]()
    return {name: parameters} if parameters else name
