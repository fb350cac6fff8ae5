"""The context of a check: a spec with its analysis, and the tree of its file, which knows the place of everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from registry_core.analysis.analysis import Analysis
from registry_core.analysis.sections import SectionAnalysis
from registry_core.components import CheckFailed, Component
from registry_core.components.base import values_set
from registry_core.config.models import Section, Spec
from registry_core.config.text.fixes import likely_fix, value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, Problem


@dataclass(frozen=True)
class CheckContext:
    """A spec and its analysis, as checks read them."""

    spec: Spec
    analysis: Analysis
    tree: Tree
    broken: frozenset[Keys]
    """The keys of components that could not be created: others of their kind replace them."""
    fresh: bool = True
    """True for a new run; a resumed one has read its weights already, and the file may be gone."""
    here: bool = False
    """True if the run will be on this machine."""

    def sections(self, *below: str) -> Iterator[tuple[Section, SectionAnalysis]]:
        """The sections whose data could be read and whose components, or those at the keys ``below``, were created."""
        for name, section in self.analysis.sections.items():
            if self.whole(*(("data", name, key) for key in below)) if below else self.whole(("data", name)):
                yield name, section

    def whole(self, *keys: Keys) -> bool:
        """True if the components at all these keys were created."""
        return not any(broken[: len(key)] == key for broken in self.broken for key in keys)

    def problem(self, keys: Keys, message: str, remedy: str = "", code: str = "", *, instead: str = "") -> Problem:
        """A problem of the value at ``keys``; ``instead`` is a fix for it, ``code`` overrides that of the check."""
        place = self.tree.place(keys)
        fix = likely_fix(place, self.value(keys), instead) if instead else None
        return Problem(message, remedy, place, keys, code=code, fix=fix)

    def rejected(self, keys: Keys, failed: CheckFailed, code: str = "") -> Problem:
        """The problem of what was refused, at these keys whatever part of it is to blame."""
        return self.problem(keys, failed.message, failed.remedy, failed.code or code)

    def refused_by(self, keys: Keys, component: Component, failed: CheckFailed) -> Problem:
        """The problem of a refusal by the component at ``keys``, there or at one of its parameters."""
        return self.rejected(self.parameter_of(keys, component, failed.at), failed)

    def parameter_of(self, keys: Keys, component: Component, at: Keys) -> Keys:
        """The keys of a parameter of the component at ``keys`` if it is written, else those of the component."""
        inner: Keys = (*keys, component.name_in_file, *at)
        return inner if at and inner in self.tree.values else keys

    def placed(self, found: Iterable[CheckFailed]) -> Iterator[Problem]:
        """The problems of refusals, each at its own keys."""
        for failed in found:
            yield self.rejected(failed.at, failed)

    def value(self, keys: Keys) -> Any:
        """The value written at ``keys``; None if there is none."""
        return value_at(self.tree.data, keys)

    def inside(self, keys: Keys, at: Keys) -> Keys:
        """The keys of the place ``at`` among the parameters of the component at ``keys``."""
        if not at:
            return keys
        name = next((path[len(keys)] for path in self.tree.values if path[: len(keys)] == keys != path), None)
        return keys if name is None else (*keys, name, *at)

    def options_problems(self, keys: Keys, options: Mapping[str, Any]) -> list[Problem]:
        """The problems of options at ``keys`` that override options of the optimizer."""
        optimizer = self.spec.optim.optimizer
        declaration = type(optimizer)
        try:
            declaration.model_validate({**values_set(optimizer), **options})
        except ValidationError as error:
            from registry_core.config.loading.messages import problems_of

            return problems_of(error, declaration, options, self.tree, keys, f"optimizer {optimizer.name!r}")
        return []
