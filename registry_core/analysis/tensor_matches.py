"""The matches between the tensors of a weights file and those of a model, and the errors among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from registry_core.analysis.matching import fullmatch
from registry_core.analysis.patterns import names_matching, nearest_pattern, quoted
from registry_core.components import CheckFailed, TensorFacts
from registry_core.diagnostics.tables import columns


class TensorMatch(NamedTuple):
    """The match of one tensor of the file and one of the model; the shape of a missing tensor is empty."""

    name: str
    """The name in the model, after renaming."""
    result: str
    """loaded, missing, unexpected, wrong shape or wrong type"""
    model: str
    file: str
    file_name: str


def match_tensors(
    wanted: Mapping[str, TensorFacts], given: Mapping[str, tuple[str, TensorFacts]]
) -> Iterator[TensorMatch]:
    """The match of every tensor of the model, and of every one of the file (by its new name, with its old name)."""
    for name, tensor in wanted.items():
        own = _shape(tensor)
        if name not in given:
            yield TensorMatch(name, "missing", own, "", "")
            continue
        file_name, other = given[name]
        result = "loaded"
        if tensor.shape != other.shape:
            result = "wrong shape"
        elif _is_floating(tensor) != _is_floating(other):
            result, own = "wrong type", f"{own} {tensor.dtype}"
        shape = _shape(other) + (f" {other.dtype}" if result == "wrong type" else "")
        yield TensorMatch(name, result, own, shape, file_name)
    for name, (file_name, tensor) in given.items():
        if name not in wanted:
            yield TensorMatch(name, "unexpected", "", _shape(tensor), file_name)


def match_errors(fits: Sequence[TensorMatch], strict: bool | tuple[str, ...]) -> Iterator[CheckFailed]:
    """An error if nothing in the file fits; else names that must fit and do not, and patterns without a match."""
    if not any(fit.result == "loaded" for fit in fits):
        yield _nothing_fits(fits)
    elif strict is not False:
        yield from _violations(fits, strict if isinstance(strict, tuple) else ())


def _shape(tensor: TensorFacts) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _is_floating(tensor: TensorFacts) -> bool:
    return tensor.dtype.startswith(("float", "bfloat"))


def _nothing_fits(fits: Sequence[TensorMatch]) -> CheckFailed:
    at = ("finetune", "weights")
    wanted = [fit.name for fit in fits if fit.result == "missing"]
    given = [fit.name for fit in fits if fit.result == "unexpected"]
    message = "Nothing in the file fits the model."
    if not wanted or not given:
        return CheckFailed(message, "Its tensors have other shapes.", at=at)
    message += f" The model has {', '.join(wanted[:3])}, …; the file has {', '.join(given[:3])}, …"
    ends = [(w, g) for w in wanted for g in given if g.endswith(f".{w}")]
    if ends:
        prefix = ends[0][1].removesuffix(ends[0][0])
        pattern = prefix.replace(".", r"\.") + "(.*)"
        return CheckFailed(message, rf"Rename: [{{match: '{pattern}', to: '\1'}}]", at=at)
    return CheckFailed(message, "Rename its tensors with `rename`, or use another file.", at=at)


def _violations(fits: Sequence[TensorMatch], allowed: tuple[str, ...]) -> Iterator[CheckFailed]:
    at = ("finetune", "strict")
    for index, pattern in enumerate(allowed):
        if not names_matching(pattern, names := [fit.name for fit in fits]):
            advice = nearest_pattern(pattern, names, "There are")
            yield CheckFailed(f"{quoted(pattern)} matches no name of the model or the file.", advice, at=(*at, index))
    # Files of old torch versions lack this count; torch's own loading starts it from 0, too.
    patterns = (r".*num_batches_tracked", *allowed)
    wrong = [
        fit for fit in fits if fit.result != "loaded" and not any(fullmatch(pattern, fit.name) for pattern in patterns)
    ]
    if not wrong:
        return
    lines = columns([(fit.result, fit.name, _shapes(fit)) for fit in wrong], "  ")
    message = "The weights do not fit the model:\n" + "\n".join(lines) + "\n"
    remedy = "Rename tensors that have other names, and list those that may differ: strict: "
    remedy += f"[{', '.join(_patterns(wrong))}], or strict: false for anything."
    yield CheckFailed(message, remedy, at=at)


def _shapes(fit: TensorMatch) -> str:
    sides = (("model", fit.model), ("file", fit.file))
    return ", ".join(f"{side} {shape}" for side, shape in sides if shape)


def _patterns(fits: list[TensorMatch]) -> list[str]:
    """A pattern, as written in a file, for each module with a tensor that does not fit."""
    modules = dict.fromkeys(fit.name.rpartition(".")[0] for fit in fits)
    shown = ["'" + (re.escape(module) + r"\..*" if module else r"[^.]*") + "'" for module in list(modules)[:6]]
    return [*shown, "…"] if len(modules) > 6 else shown
