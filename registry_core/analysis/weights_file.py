"""Weights files without torch: their paths, and the names of their tensors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from registry_core.analysis.matching import fullmatch
from registry_core.components import CheckFailed
from registry_core.config.finetune import PackagedFile, Rename
from registry_core.config.loading.versions import install_command
from registry_core.config.run_layout import checkpoint_at, is_pointer
from registry_core.diagnostics import closest, near

_LONGEST_NAME = 2_000
"""The maximum length of the new name of a tensor, in characters."""


def find_weights(weights: Path | PackagedFile) -> Path:
    """The path of a weights file; CheckFailed if there is none.

    A run directory means its latest checkpoint, a checkpoint means its averaged weights or else the trained ones.
    """
    if isinstance(weights, PackagedFile):
        return _packaged(weights)
    if "http:" in weights.parts or "https:" in weights.parts:
        raise CheckFailed("The weights are a URL, but nothing is downloaded.", "Download the file and write its path.")
    if not weights.exists():
        remedy = "Check the path; a relative one starts at the current folder. Nothing is downloaded."
        raise CheckFailed(f"The weights file {str(weights)!r} does not exist.", remedy)
    if not weights.is_dir() and not is_pointer(weights):
        return weights
    folder = checkpoint_at(weights)
    for part in ("averaged", "model"):
        if (path := folder / f"{part}.safetensors").is_file():
            return path
    message = f"The folder {str(weights)!r} holds no weights."
    raise CheckFailed(message, "Name a weights file, a checkpoint or a run directory.")


def _packaged(packaged: PackagedFile) -> Path:
    from importlib.metadata import PackageNotFoundError, distribution

    name, file = packaged.distribution, packaged.file
    try:
        found = distribution(name)
    except PackageNotFoundError:
        message = f"The distribution {name!r} is not installed."
        raise CheckFailed(message, install_command([name]) or "Name an installed distribution.") from None
    files = [str(path) for path in found.files or ()]
    matching = [path for path in files if path == file or path.endswith(f"/{file}")]
    if len(matching) != 1:
        problem = f"has no file {file!r}" if not matching else f"has several files {file!r}: {', '.join(matching)}"
        likely = [path for path in files if path.endswith((".safetensors", ".pt", ".pth", ".bin"))]
        named = {Path(path).name: path for path in likely}
        meant = [named[name] for name in closest(Path(file).name, named)]
        known = f"Did you mean {meant[0]!r}?" if meant else near(file, likely) or "It contains no weights."
        remedy = "Write a longer part of the path." if matching else known
        raise CheckFailed(f"The distribution {name!r} {problem}.", remedy)
    return Path(str(found.locate_file(matching[0])))


def unwrapped(names: Iterable[str]) -> dict[str, str] | None:
    """The names of averaged weights without the prefix that averaging adds; None if these are none."""
    given = list(names)
    if "n_averaged" not in given or not all(name.startswith("module.") for name in given if name != "n_averaged"):
        return None
    return {name: name.removeprefix("module.") for name in given if name != "n_averaged"}


def renamed(names: Iterable[str], rules: tuple[Rename, ...]) -> tuple[dict[str, str], list[tuple[int, str]]]:
    """Each name with its new name after the rules, and the errors of rules by their index."""
    now = {name: name for name in names}
    problems = []
    for index, rule in enumerate(rules):
        fits = {name: match for name, new in now.items() if (match := fullmatch(rule.match, new))}
        if not fits:
            some = ", ".join(list(now.values())[:4])
            problems.append((index, f"{rule.match!r} matches no name in the file. There are: {some}, …"))
        new_names = {name: match.expand(rule.to) for name, match in fits.items()}
        if longest := next((new for new in new_names.values() if len(new) > _LONGEST_NAME), ""):
            problems.append((index, f"A name would have {len(longest):,} characters, but at most {_LONGEST_NAME:,}."))
            break
        now.update(new_names)
        taken: dict[str, str] = {}
        for name, new in now.items():
            if new in taken:
                problems.append((index, f"{taken[new]!r} and {name!r} would both be called {new!r}."))
                break
            taken[new] = name
    return now, problems
