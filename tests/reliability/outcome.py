"""All that a run leaves behind and that an interruption must not change by a bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from registry_core.config.run_layout import pointed
from registry_core.engine.checkpoint.store import checkpoints_in, load_checkpoint


def outcome(run: Path) -> dict[str, Any]:
    """Rows, weights, state, pointers, kept checkpoints, logged steps and TensorBoard scalars of a run."""
    folder = run / "checkpoints"
    latest = pointed(folder, "latest")
    assert latest is not None, f"{run} has no checkpoint"
    weights, state, _ = load_checkpoint(latest)
    plain = {key: state[key] for key in ("torch", "position", "running", "since_evaluation", "images")}
    pointers = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    return {
        "rows": lines(run / "metrics.jsonl"),
        "steps": lines(run / "steps.jsonl"),
        "weights": bits(weights),
        "state": bits(plain),
        "hooks": bits(state["hooks"]),
        "memory": bits([_memory(hook) for hook in state["hooks"]]),
        "pointers": pointers,
        "checkpoints": [path.name for path in checkpoints_in(folder)],
        "scalars": scalars(run / "tensorboard"),
    }


def _memory(hook: dict[str, Any]) -> list[Any]:
    """What a hook remembers, but not the lines that it could not write, nor which checkpoints are still there."""
    own = hook["state"]
    kept = {key: own[key] for key in own if not key.startswith("unwritten")} if isinstance(own, dict) else own
    return [hook["name"], kept, hook["checkpoints"]["best"]]


def lines(path: Path) -> list[Any]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The scalars that TensorBoard's own reader shows, by name: steps and values."""
    if not folder.is_dir():
        return {}
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {name: [(each.step, each.value) for each in reader.Scalars(name)] for name in reader.Tags()["scalars"]}


def bits(value: Any) -> Any:
    """Plain data with the bytes of every tensor and array in its place."""
    if isinstance(value, dict):
        return {str(key): bits(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(one) for one in value]
    if hasattr(value, "to_dense"):
        return value.to_dense().contiguous().numpy().tobytes()
    return value.tobytes() if hasattr(value, "tobytes") else value


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The parts in which two outcomes differ."""
    return [name for name in one if one[name] != other[name]]


def losses(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """The parts in which an outcome has less than the expected one.

    It may have more checkpoints, and hooks of it may still keep what they could not write.
    """
    allowed = {"hooks"}
    if {*expected["checkpoints"]} <= {*found["checkpoints"]}:
        allowed.add("checkpoints")
    return [name for name in differences(expected, found) if name not in allowed]
