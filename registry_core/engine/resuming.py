"""Resume a run: the pipeline in force, what may have changed since its checkpoint, and the guarantee that follows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from registry_core.components import Component
from registry_core.config import Spec
from registry_core.config.dump import recorded
from registry_core.config.loading.resolve import placed_components
from registry_core.config.resuming import LENGTH, keys_that_may_change
from registry_core.config.run_layout import CHECKPOINTS, MANIFEST, STATE, is_pointer, pointed
from registry_core.diagnostics import CheckpointError, Keys, PipelineError, RunError, dotted
from registry_core.diagnostics.printable import warn
from registry_core.engine.checkpoint.store import Checkpoint, intact, load_checkpoint, none_intact
from registry_core.engine.provenance import changed_in_session, changed_plugins
from registry_core.engine.record import RunDirectory

DECISIVE = ("python", "torch", "torchvision", "numpy", "registry_core", "device", "cuda", "threads")
"""Parts of the environment that may change the bits of a result."""


Guarantee = Literal["exact", "position"]
"""A resumed run goes on bit for bit, or from the same position with results that may differ."""


@dataclass(frozen=True)
class Source:
    """The run directory and the checkpoints, the first one before those to fall back to, from which a run goes on."""

    directory: RunDirectory
    checkpoints: Iterator[tuple[Path, Checkpoint]]

    def next(self) -> tuple[Path, Checkpoint]:
        """The next checkpoint; CheckpointError if there is none."""
        for found in self.checkpoints:
            return found
        raise none_intact(self.directory.checkpoints)


def run_of(path: Path) -> tuple[Path, Path | None]:
    """The run directory that a path names, and the checkpoint if the path is that of one or of ``best``."""
    if is_pointer(path):
        chosen = pointed(path.parent, path.name)
        if chosen is None:
            raise CheckpointError(f"{str(path)!r} names no checkpoint.")
        return path.parent.parent, chosen
    if (path / MANIFEST).exists() or (path / STATE).exists() or path.absolute().parent.name == CHECKPOINTS:
        return path.absolute().parent.parent, path
    return path, None


def source_of(directory: RunDirectory, checkpoint: Path | None) -> Source:
    """The checkpoints of a run, the newest first, or one of them alone."""
    if not directory.pipeline.exists():
        message = f"{str(directory.path)!r} is not a run directory: it has no pipeline.json."
        raise RunError(message, "Start a run with `train`.")
    if checkpoint is not None:
        return Source(directory, iter([(checkpoint, load_checkpoint(checkpoint))]))
    return Source(directory, intact(directory.checkpoints, directory.identity(), warn))


@contextmanager
def telling_of_moved_data() -> Iterator[None]:
    """A context in which a pipeline of a run is loaded; where its data are missing, the user hears of ``--set``."""
    try:
        yield
    except PipelineError as error:
        if any(problem.code == "data" and not problem.warning for problem in error.problems):
            warn("If the data of the run were moved, say where they are now with --set KEY=PATH.")
        raise


def differences(own: Any, new: Any, keys: Keys = ()) -> list[Keys]:
    """The keys of the values in which two pipelines as plain data differ."""
    if isinstance(own, dict) and isinstance(new, dict):
        return [each for key in sorted({*own, *new}) for each in differences(own.get(key), new.get(key), (*keys, key))]
    return [] if own == new else [keys]


def refuse_differences(own: dict[str, Any], new: Spec, different: Sequence[Keys], *, edited: bool) -> None:
    """Raise RunError if a pipeline differs from that of a checkpoint in what a resume cannot change.

    ``edited``: it is the ``pipeline.json`` of the run directory, not a file of the user.
    """
    scheduler = new.optim.scheduler
    wrong = _decisive(own, new, different)
    length = {keys for keys, mark in keys_that_may_change(Spec) if mark is LENGTH}
    named = ", ".join(dotted(keys) for keys in wrong)
    if wrong and scheduler is not None and set(wrong) <= length:
        message = (
            f"The schedule {scheduler.name!r} depends on the length of the run, so {named} cannot change on a resume."
        )
        raise RunError(message, "Start a new run.")
    if wrong and edited:
        message = f"The pipeline.json of the run was edited: it differs from that of its checkpoint in {named}."
        raise RunError(message, "Undo that, or start a new run.")
    if wrong:
        message = f"The pipeline differs from that of the run in {named}."
        raise RunError(message, "Resume without FILE to keep the run's own pipeline, or start a new run.")


def refuse_for_measuring(own: dict[str, Any], new: Spec) -> None:
    """Raise RunError if options for an evaluation or a prediction change what the model was trained with."""
    if wrong := _decisive(own, new, differences(own, recorded(new))):
        named = ", ".join(dotted(keys) for keys in wrong)
        message = f"{named} cannot be set here: the model was trained with another value."
        raise RunError(message, "Set only where files are, the device, and how data are loaded.")


def refuse_for_repeating(own: dict[str, Any], new: Spec) -> None:
    """Raise RunError if options for a repeat change what its rows and weights depend on."""
    harmless = [*_of_loading(), *_locations(own, new)]
    if wrong := _outside(differences(own, recorded(new)), harmless):
        named = ", ".join(dotted(keys) for keys in wrong)
        message = f"{named} cannot be set here: the run was trained with another value."
        raise RunError(message, "Set only where files are, the device, and how data are loaded.")


def unrepeatable(changed: Iterable[str], own: dict[str, Any], new: Spec) -> list[str]:
    """The dotted keys among those changed by resumes with which the last pipeline alone does not repeat the run."""
    length = [keys for keys, mark in keys_that_may_change(Spec) if mark is LENGTH]
    monitoring: list[Keys] = [("hooks",), ("ignore",)]
    harmless = [keys for keys in [*_of_loading(), *length, *monitoring, *_locations(own, new)] if keys != _DEVICE]
    starts = tuple(map(_as_start, map(dotted, harmless)))
    return [key for key in changed if not _as_start(key).startswith(starts)]


def _as_start(key: str) -> str:
    """A dotted key so that it is the start of those below it alone."""
    return f"{key}.".replace("[", ".")


_DEVICE: Keys = ("train", "device")


def _of_loading() -> list[Keys]:
    """The keys of the device and of loading, which may always change."""
    return [keys for keys, _ in keys_that_may_change(Spec) if keys[0] == "data" or keys == _DEVICE]


def _outside(different: Sequence[Keys], harmless: Sequence[Keys]) -> list[Keys]:
    """The keys that differ and are not below a harmless one."""
    return [keys for keys in different if not any(keys[: len(each)] == each for each in harmless)]


def _decisive(own: dict[str, Any], new: Spec, different: Sequence[Keys]) -> list[Keys]:
    """The keys that differ and on which results depend."""
    scheduler = new.optim.scheduler
    fixed_length = scheduler is not None and scheduler.depends_on_length()
    marks = [keys for keys, mark in keys_that_may_change(Spec) if not (fixed_length and mark is LENGTH)]
    return _outside(different, [*marks, *_locations(own, new)])


def _locations(own: dict[str, Any], new: Spec) -> Iterator[Keys]:
    """The keys of parameters that are paths: data and weights may have been moved."""
    if new.finetune is not None:
        yield ("finetune", "weights")
    for keys, component in placed_components(new):
        for name in type(component).model_fields:
            at = (*keys, component.name_in_file, name)
            if is_location(component, name, _value_at(own, at)):
                yield at


def is_location(component: Component, name: str, before: Any = None) -> bool:
    """True if a parameter is a path; in a plain class, also a text with a separator, now or ``before``."""
    value = getattr(component, name, None)
    if isinstance(value, Path):
        return True
    return (
        isinstance(value, str) and component.kind == "dataset" and any(os.sep in str(each) for each in (value, before))
    )


def _value_at(data: Any, keys: Keys) -> Any:
    for key in keys:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return None
    return data


def changes(own: dict[str, Any], new: dict[str, Any], different: Sequence[Keys]) -> dict[str, Any]:
    """The changes of a resume for ``changes.jsonl``: for each key the value before and the one in force."""
    return {dotted(keys): [_value_at(own, keys), _value_at(new, keys)] for keys in different}


def changed_environment(then: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the environment that may change the bits and that differ, each before and now."""
    before, now = then["environment"], here["environment"]
    return {key: [before.get(key), now[key]] for key in DECISIVE if before.get(key) != now[key]}


def guarantee(then: dict[str, Any], here: dict[str, Any]) -> Guarantee:
    """``exact`` if everything that results depend on is the same as in the checkpoint; else ``position``, told."""
    reasons = inexact_because(then, here)
    if not reasons:
        return "exact"
    warn(f"The run resumes where it stopped, but not bit for bit: {' and '.join(reasons)}.")
    return "position"


def inexact_because(then: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The reasons, as clauses, why results may differ between the origin of a checkpoint and here; none: they do not.

    Both have ``environment`` and ``plugins``.
    """
    changed = [*changed_environment(then, here), *changed_plugins(then["plugins"], here["plugins"])]
    reasons = [f"{', '.join(changed)} changed since then"] if changed else []
    if of_session := changed_in_session(then["plugins"], here["plugins"]):
        reasons.append(f"{', '.join(of_session)} of this session may have changed")
    return reasons
