"""What valid pipelines are, made by knowledge of what fits what: data, transforms, models, losses, metrics, training.

``pipelines(folder, wanted)`` draws pipeline files, as plain data, of two steps on few samples, with the component
``wanted`` (``kind/name``) in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from valid_cases import (
    DECISIVE,
    EVALUATED,
    LOSSES,
    METRICS,
    MOVE_ALONE,
    TASK_OF,
    Case,
    choose_data,
    choose_loss,
    for_evaluation,
)
from valid_images import CHANGES, Chain, Draw, keeps_target, number, one_of, resized, some
from valid_models import row_models, sequential, torchvision_model
from valid_training import (
    OPTIMIZERS,
    RATE_FUNCTIONS,
    SCHEDULERS,
    can_cycle,
    first_values,
    hook,
    optimizer,
    rate,
    scheduler,
)
from valid_transforms import TRANSFORMS, named, normalize, to_tensor, whitening


@st.composite
def pipelines(draw: Draw, folder: Path, wanted: str) -> dict[str, Any]:
    """Pipeline files with the component ``wanted``."""
    kind, _, name = wanted.partition("/")
    task = TASK_OF.get(wanted, "classes")
    if kind == "transform" and name not in _TARGETS_AND_BATCHES:
        tasks = LOSSES if name not in MOVE_ALONE else ()
        task = one_of(draw, "classes", *(each for each in tasks if each not in DECISIVE.get(CHANGES.get(name, ""), ())))
    case = Case(draw, task, wanted, name)
    choose_data(case, folder)
    choose_loss(case)
    case.source = case.picture
    transforms = _transforms(case, folder)
    _choose_model(case)
    batch_size = 3 if name in _DEEP else draw(st.integers(2, 3))
    case.transforms = transforms
    train: dict[str, Any] = {"dataset": case.dataset, "transforms": [*transforms, *case.target_transforms]}
    if case.picture.views == 1 and (mixing := _mixing(case)):
        train["batch_transforms"] = mixing
    if sampler := _sampler(case):
        train["sampler"] = sampler
    data: dict[str, Any] = {
        "train": train,
        "batch_size": batch_size,
        **some(draw, drop_last=lambda: True, on_error=lambda: "skip"),
    }
    evaluates = bool(case.wants("metric")) or name in EVALUATED or draw(st.booleans())
    found = {"version": 1, "seed": draw(st.integers(0, 3)), "data": data, "model": case.model, "loss": case.loss}
    found |= {"optim": _optim(case), "train": _train(case)}
    if "reduce_on_plateau" in found["optim"].get("scheduler", ()) or name == "early_stopping":
        evaluates, found["train"]["evaluate_every"] = True, "1 step"
    if evaluates:
        data["val"] = {"dataset": for_evaluation(case.dataset), "transforms": _plainly(case), "batch_size": 90}
        found["train"] |= some(draw, evaluate_every=lambda: "1 step")
    if case.wants("init") or ("mlp" in case.model and draw(st.booleans())):
        found["init"] = _init(case)
    found["metrics"] = _metrics(case) if evaluates else []
    found["hooks"] = [hook(draw, name, "seen")] if kind == "hook" else []
    return found


_TARGETS_AND_BATCHES = ("one_hot", "signs", "mixup", "cutmix")
_FROM_0_TO_1 = ("sparse_bag", "sparse_adam")
_DEEP = ("torchvision_model",)
"""Few small images have nearly equal values in deep layers, whose batch norm then multiplies the gradients."""


def _transforms(case: Case, folder: Path) -> Chain:
    """Random transforms with the wanted one among them, and what makes a float tensor at the end."""
    draw, chain, p = case.draw, [], case.picture
    names = draw(st.lists(st.sampled_from(sorted(TRANSFORMS)), max_size=3))
    if case.name in _FROM_0_TO_1:
        names = [name for name in names if name not in ("gaussian_noise", "random_erasing")]
    wanted = case.wants("transform")
    if case.name in ("mixup", "cutmix", "five_crop", "ten_crop"):  # several images of a sample come but once, and alone
        names = [name for name in names if name not in ("five_crop", "ten_crop")]
    if wanted in TRANSFORMS:
        names.insert(draw(st.integers(0, len(names))), wanted)
    if case.name in ("invert", "gamma"):
        made, p = named(draw, p, case.name)
        chain += made
    for name in names:
        if name != wanted and (not p.usual or name in MOVE_ALONE or not keeps_target(p, name)):
            continue
        made, p = TRANSFORMS[name](draw, p)
        chain += made
        if not p.usual and wanted in names and name != wanted:  # the wanted one takes values in the usual range
            chain, p = chain[: -len(made)], replace(case.picture, form="pil")
            return _transforms_of_one(case, wanted, folder)
    made, p = to_tensor(draw, p)
    chain += made
    small = 16 if case.name in ("net", "lenet") else 3
    if case.name in _DEEP:
        made, p = resized(draw, p, 48, 48)
        chain += made
    elif case.task in ("pixels", "lines") or max(p.size) > 24 or min(p.size) < small:
        made, p = resized(draw, p, *(4 * draw(st.integers(4 if small == 16 else 2, 5)) for _ in range(2)))
        chain += made
    if wanted == "linear_transformation":
        made, p = whitening(p, folder)
        chain += made
        case.steady += made
    if wanted == "normalize" or (p.usual and draw(st.booleans()) and case.name not in _FROM_0_TO_1):
        made, p = normalize(draw, p)
        chain += made
        case.steady += [transform for transform in made if transform != "to_tensor"]
    case.picture = p
    return chain


def _transforms_of_one(case: Case, wanted: str, folder: Path) -> Chain:
    chain, p = TRANSFORMS[wanted](case.draw, case.picture)
    made, p = to_tensor(case.draw, p)
    sized, p = resized(case.draw, p, 8, 12)
    case.picture = p
    return [*chain, *made, *sized]


def _plainly(case: Case) -> Chain:
    """For evaluations: images of the same size and channels, without chance."""
    p = case.picture
    greys = [each for each in case.transforms if isinstance(each, dict) and "grayscale" in each]
    found = greys[-1]["grayscale"]["num_output_channels"] if greys else case.source.channels
    coloured = ["rgb"] if found != p.channels else []
    sized, _ = resized(case.draw, case.source, *p.size)
    return [*greys, *coloured, *sized, "to_tensor", *case.steady, *case.target_transforms]


def _choose_model(case: Case) -> None:
    draw, p, count = case.draw, case.picture, case.classes
    wanted, layer = case.wants("model"), case.wants("layer")
    if case.task == "pixels":
        unet = {"unet": {"in_channels": p.channels, "num_classes": count, "width": 2, "depth": draw(st.integers(1, 2))}}
        layered = {"sequential": sequential(draw, p, (count, *p.size))}
        case.model = unet if wanted else one_of(draw, unet, layered)
    elif case.task == "lines":
        crnn = {"in_channels": p.channels, "size": p.size, "num_classes": count, "features": 2, "hidden": 3}
        time = 2 * case.longest + draw(st.integers(0, 3))
        layered = {"sequential": sequential(draw, p, (time, count))}
        narrow = p.width // 4 < 2 * case.longest
        recurrent = {"crnn": {**crnn, **some(draw, recurrent=lambda: "gru")}}
        case.model = recurrent if wanted or not narrow else layered
        if narrow and wanted:
            case.loss = {"ctc": {"zero_infinity": True}}
    elif case.task in ("pairs", "order", "triplets"):
        inner = _row_model(case, 1 if case.task == "order" else draw(st.integers(2, 6)))
        name = {"order": "pair_ranking", "triplets": "triplet"}.get(case.task) or (
            "pair" if "cosine_embedding" in case.loss else "pair_distance"
        )
        options = {} if name == "pair_ranking" else some(draw, normalize=lambda: True)
        case.model = {name: {"network": inner, **options}}
    elif "gaussian_nll" in case.loss:
        case.model = {"gaussian": {"network": _row_model(case, 2 * count), **some(draw, minimum=lambda: 0.01)}}
    elif case.task == "counts":
        case.model = _row_model(case, 1)
    else:
        outputs = 8 if "adaptive_log_softmax" in case.loss else count
        case.model = _row_model(case, outputs)
        if layer:
            case.model = {"sequential": sequential(draw, p, (outputs,), layer)}
        if wanted == "torchvision_model":
            case.model = {"torchvision_model": torchvision_model(draw, p, outputs)}
        if case.name in ("dirac", "tensorboard_kernels", "tensorboard_feature_maps"):
            convolution = {"conv2d": {"name": "seen", "out_channels": 4, "kernel_size": 1}}
            layers = [convolution, "relu", "flatten", {"linear": {"out_features": outputs}}]
            case.model = {"sequential": {"input": [p.channels, *p.size], "layers": layers}}


def _row_model(case: Case, count: int) -> dict[str, Any]:
    draw = case.draw
    possible = row_models(draw, case.picture, count)
    if case.name in ("net", "lenet") and case.name not in possible:
        raise AssertionError(f"{case.picture} is too small for {case.name}")
    name = case.name if case.name in possible else one_of(draw, *(set_of(possible) - {"sparse_bag"}))
    if case.wants("init") or case.name == "muon":
        name = "mlp"
    if case.name == "sparse_adam":
        name = "sparse_bag"
    parameters = possible[name]()
    if case.wants("init"):
        parameters.pop("bias", None)
    if case.name == "muon":
        parameters["bias"] = False
    return {name: parameters}


def set_of(possible: dict[str, Any]) -> Any:
    """The names, in an order that is the same in every run."""
    return dict.fromkeys(sorted(possible)).keys()


def _mixing(case: Case) -> Chain:
    draw = case.draw
    mixable = case.task in ("classes", "labels") and case.form in ("class_indices", "distributions", "multi_hot")
    if not mixable or ("cross_entropy" not in case.loss and case.form == "class_indices"):
        return []
    name = case.name if case.name in ("mixup", "cutmix") else one_of(draw, "", "mixup", "cutmix")
    mixed = {name: {"alpha": number(draw, 0.1, 3)}}
    return [one_of(draw, mixed, {"random_choice": {"transforms": [mixed, "cutmix"]}})] if name else []


def _sampler(case: Case) -> Any:
    wanted = case.wants("sampler")
    if case.task not in ("classes", "triplets"):
        return one_of(case.draw, None, "sequential", "shuffled")
    balanced = {"class_balanced": some(case.draw, samples=lambda: 24)}
    name = wanted or one_of(case.draw, "", "sequential", "shuffled", "repeated", "class_balanced")
    if name == "repeated":
        return {"repeated": {"times": one_of(case.draw, 1, 2)}}
    return (balanced if balanced["class_balanced"] else name) if name == "class_balanced" else name or None


def _optim(case: Case) -> dict[str, Any]:
    draw, sparse = case.draw, "sparse_bag" in str(case.model)
    weighs = "adaptive_log_softmax" in case.loss  # its own weights: dense, and some without a gradient in some steps
    names = ("sgd", "adagrad", *(() if weighs else ("sparse_adam",))) if sparse else OPTIMIZERS
    name = case.wants("optimizer") or one_of(draw, *names)
    if sparse and name not in names:
        name = names[-1]
    found: dict[str, Any] = {"optimizer": optimizer(draw, name, sparse=sparse)}
    if weighs:
        found["optimizer"][name].pop("fused", None)  # with a momentum, torch's fused form needs all gradients
    schedules = [each for each in SCHEDULERS if case.name != "early_stopping" or each != "reduce_on_plateau"]
    schedule = case.wants("scheduler") or one_of(draw, "", *schedules)
    function = case.name if case.name in RATE_FUNCTIONS else ""
    if function:
        schedule = "multiplicative" if function == "constant_factor" else one_of(draw, "lambda", "multiplicative")
    biased = "mlp" in case.model and case.model["mlp"].get("bias", True)
    count = 1
    if biased and name not in ("lbfgs", "muon") and schedule not in ("cyclic", "one_cycle") and draw(st.booleans()):
        count, found["groups"] = 2, [{"parameters": r".*\.bias", "lr": rate(draw)}]
    if schedule:
        found["scheduler"] = scheduler(draw, schedule, count, can_cycle(name), function=function)
    if schedule in ("cyclic", "one_cycle"):  # which set these themselves
        replaced = ["lr"]
        if found["scheduler"][schedule]["cycle_momentum"]:
            replaced += ["momentum", "betas", "nesterov", "dampening"]
        for parameter in replaced:
            found["optimizer"][name].pop(parameter, None)
    return found


def _init(case: Case) -> list[Any]:
    wanted = case.wants("init")
    if wanted == "dirac":
        return [{"modules": "Conv2d", "weight": first_values(case.draw, "dirac")}]
    name = wanted or one_of(case.draw, "xavier_normal", "xavier_uniform", "kaiming_uniform")
    filled = "bias" if name in ("constant", "ones", "zeros") else "weight"
    return [{"modules": "Linear", filled: first_values(case.draw, name)}]


def _train(case: Case) -> dict[str, Any]:
    draw = case.draw
    clip = {"norm": 1.0} if "sparse_bag" in str(case.model) else one_of(draw, {"norm": 0.5}, {"value": 0.5})
    return {
        "max_steps": 2,
        "device": "cpu",
        **some(
            draw,
            precision=lambda: "bf16",
            accumulate=lambda: 2,
            clip=lambda: clip,
            ema=lambda: {"decay": number(draw, 0.5, 0.7)},
            channels_last=lambda: True,
            log_every=lambda: "1 step",
        ),
    }


def _metrics(case: Case) -> list[Any]:
    draw, count = case.draw, case.classes
    possible = list(METRICS[case.task])
    if case.form not in ("class_indices", "multi_hot") and case.task == "classes":
        possible = ["mean_absolute_error", "mean_squared_error"]
    if "adaptive_log_softmax" in case.loss:
        possible = ["nearest_neighbour_accuracy"]
    if case.task == "pairs":
        possible = (
            ["pair_accuracy"] if "cosine_embedding" in case.loss else ["distance_accuracy", "mean_absolute_error"]
        )
    wanted = case.wants("metric")
    names = draw(st.lists(st.sampled_from(possible), max_size=2, unique=True))
    alone = len({*names, wanted} - {""}) < 2  # two averages may agree
    averaged = some(draw, average=lambda: one_of(draw, "macro", *(("micro", "weighted") if alone else ())))
    logarithms: dict[str, Any] = {"log_output": True} if "poisson_nll" in case.loss else {}
    cut = {**averaged, **some(draw, threshold=lambda: number(draw, 0.1, 0.9))}
    parameters: dict[str, Callable[[], dict[str, Any]]] = {
        "accuracy": lambda: some(draw, num_classes=lambda: count),
        "top_k_accuracy": lambda: {"k": draw(st.integers(1 if alone else 2, count - 1))},
        "mean_loss": lambda: some(draw, loss=lambda: one_of(draw, "cross_entropy", "multi_margin")),
        "nearest_neighbour_accuracy": lambda: some(draw, distance=lambda: "cosine"),
        "pair_accuracy": lambda: some(draw, distance=lambda: "euclidean", threshold=lambda: number(draw, 0.1, 1)),
        "mean_iou": lambda: some(draw, ignore_index=lambda: 0),
        **{name: lambda: logarithms for name in ("mean_absolute_error", "mean_squared_error")},
        **{name: lambda: averaged for name in ("precision", "recall", "f1")},
        **{name: lambda: cut for name in ("multi_label_precision", "multi_label_recall", "multi_label_f1")},
    }
    chosen = dict.fromkeys([*([wanted] if wanted else []), *names])
    written = [(name, parameters.get(name, dict)()) for name in chosen]
    return [{name: given} if given else name for name, given in written]
