"""Fill in the templates of a new project and write its files."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from pkgutil import resolve_name
from string import Template

from registry_core.catalog import KINDS, Kind
from registry_core.catalog.policy import OWN
from registry_core.diagnostics import ScaffoldError
from registry_core.scaffold.names import Names

_GENERAL = "component"
"""Folder of the templates for kinds without their own."""

_FOLDERS = frozenset(("tests", "pipelines", "build", "dist", "runs"))
"""Folders of a project other than its package, including those that building and training create."""


@dataclass(frozen=True)
class File:
    """A file of a project, with its path relative to the project's folder."""

    path: str
    text: str


@dataclass(frozen=True)
class Project:
    """A project that has not been written yet."""

    names: Names
    kinds: tuple[Kind, ...]
    files: tuple[File, ...]

    @property
    def components(self) -> tuple[str, ...]:
        """Kind and name of each component: ``loss/acme_losses``."""
        return tuple(f"{kind.name}/{self.names.package}" for kind in self.kinds)

    @property
    def commands(self) -> tuple[str, ...]:
        """Commands to run in the project's folder after it has been written."""
        shows = (f"registry-core show {component}" for component in self.components)
        trains = (f"registry-core train {_pipeline(kind)}" for kind in self.kinds)
        return ("pip install -e '.[test]'", *shows, *trains, "pytest")


def plan_project(names: Names, kinds: Sequence[str]) -> Project:
    """Plan a project with a component of each of these kinds. Raises ScaffoldError if a name conflicts with a file."""
    chosen = tuple(kind for name, kind in KINDS.items() if name in kinds)
    made = tuple(sorted(_files(names, chosen), key=lambda file: file.path))
    _refuse_clashes(names, made)
    return Project(names, chosen, made)


def write_project(project: Project, folder: Path) -> list[Path]:
    """Write the files to a folder that does not exist yet or is empty; return their paths."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "is not empty" if folder.is_dir() else "is a file"
            raise ScaffoldError(f"{folder} {what}.", "Choose another name, or another folder with --out.")
        return [_write(folder / file.path, file.text) for file in project.files]
    except OSError as error:
        raise ScaffoldError(f"{folder} cannot be written ({error}).", "Choose another folder with --out.") from error


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _files(names: Names, kinds: tuple[Kind, ...]) -> Iterator[File]:
    values = _values(names, kinds)
    package = names.package
    for template, path in (
        ("project/pyproject.toml", "pyproject.toml"),
        ("project/README.md", "README.md"),
        ("project/gitignore", ".gitignore"),
        ("project/ci.yml", ".github/workflows/ci.yml"),
        ("project/init.py", f"{package}/__init__.py"),
        ("project/built.py", f"{package}/built/__init__.py"),
        ("project/conformance.py", "tests/test_conformance.py"),
    ):
        yield File(path, _filled(template, values))
    yield File(f"{package}/py.typed", "")
    for kind in kinds:
        own = values | _values_of_kind(names, kind)
        for part, path in (
            ("declaration.py", f"{package}/{kind.plural}.py"),
            (_built(kind), f"{package}/built/{kind.plural}.py"),
            ("test.py", f"tests/test_{kind.plural}.py"),
            ("pipeline.yaml", _pipeline(kind)),
        ):
            yield File(path, _filled(f"{kind.templates or _GENERAL}/{part}", own))


def _built(kind: Kind) -> str:
    """The template of the built object; the general one derives from the type of the kind if that is a class."""
    if kind.templates:
        return "built.py"
    expected = resolve_name(kind.builds)
    return "subclass.py" if isinstance(expected, type) and expected is not object else "built.py"


def _pipeline(kind: Kind) -> str:
    return f"pipelines/{kind.name}.yaml"


def _filled(template: str, values: dict[str, str]) -> str:
    text = files("registry_core.scaffold").joinpath(f"templates/{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _values(names: Names, kinds: tuple[Kind, ...]) -> dict[str, str]:
    name, package = names.package, names.package
    points = (
        f'[project.entry-points."{kind.group}"]\n{name} = "{package}.{kind.plural}:{names.cls}"' for kind in kinds
    )
    uses = (f"    registry-core show {kind.name}/{name}\n    registry-core train {_pipeline(kind)}" for kind in kinds)
    return {
        "distribution": names.distribution,
        "package": package,
        "name": name,
        "cls": names.cls,
        "version": version(OWN).partition("+")[0],
        "kinds": _listed([kind.one for kind in kinds]),
        "entry_points": "\n\n".join(points),
        "components": "\n".join(f"- the {kind.name} `{name}`" for kind in kinds),
        "commands": "\n".join(uses),
        "made": str(sum(kind.template_checks for kind in kinds)),
    }


def _values_of_kind(names: Names, kind: Kind) -> dict[str, str]:
    """The values that only the general templates use."""
    base_module, _, base = kind.base.partition(":")
    built_module, _, built = kind.builds.partition(":")
    component = f"{{{names.package}: {{strength: 0.5}}}}"
    inside = f"# {kind.one.capitalize()} is a parameter of other components: write {component} there."
    return {
        "kind": kind.name,
        "plural": kind.plural,
        "title": kind.plural.capitalize(),
        "base": base,
        "base_module": base_module,
        "built": built,
        "built_module": built_module,
        "use": f"{kind.section}: [{component}]" if kind.section else inside,
    }


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _refuse_clashes(names: Names, made: Sequence[File]) -> None:
    """Raise ScaffoldError if another part of the project has the name of the package or of a class."""
    tests = {Path(file.path).stem for file in made if file.path.startswith("tests/")}
    if names.package in _FOLDERS | tests:
        raise ScaffoldError(
            f"The package {names.package!r} would have the same name as another part of its project.",
            f"Choose another name, such as acme-{names.distribution}.",
        )
    for file in made:
        if file.path.endswith(".py") and names.cls in _imported(file.text):
            raise ScaffoldError(
                f"The class {names.cls!r} would have the same name as an import of {file.path}.",
                f"Choose another name, such as acme-{names.distribution}.",
            )


def _imported(source: str) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {alias.asname or alias.name for node in nodes for alias in node.names}
