"""What the checks across components look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from registry_core.analysis.data import DataSurvey
from registry_core.components import CheckFailed, Component, Modules
from registry_core.config.models import Spec
from registry_core.config.text.fixes import likely_fix, value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, Problem


@dataclass(frozen=True)
class CheckContext:
    """A spec, what is known of its data, and the tree it came from; ``broken``: components that could not be made."""

    spec: Spec
    survey: DataSurvey
    tree: Tree
    broken: frozenset[Keys]
    fresh: bool = True
    """Whether a run is to start; one that goes on has read its weights, which may be gone since."""

    @cached_property
    def modules(self) -> Modules | None:
        """What the model says that it will be made of; None if that is not known before it is built."""
        return self.spec.model.modules()

    def problem(
        self, keys: Keys, message: str, remedy: str = "", code: str = "", *, warning: bool = False, instead: str = ""
    ) -> Problem:
        """A problem about the value at ``keys``, which ``instead`` may replace; ``code`` if not that of the check."""
        place = self.tree.place(keys)
        fix = likely_fix(place, value_at(self.tree.data, keys), instead) if instead else None
        return Problem(message, remedy, place, keys, code=code, warning=warning, fix=fix)

    def value(self, keys: Keys) -> Any:
        """What is written at ``keys``; None if nothing is."""
        return value_at(self.tree.data, keys)

    def failed(self, keys: Keys, component: Component, failed: CheckFailed) -> Problem:
        """The problem that a check of the component at ``keys`` found, there or at one of its parameters."""
        inner: Keys = (*keys, component.name_in_file, *failed.at)
        return self.problem(inner if failed.at and inner in self.tree.values else keys, failed.message, failed.remedy)

    def whole(self, *keys: Keys) -> bool:
        """Whether the components at all these places could be made."""
        return not any(broken[: len(key)] == key for broken in self.broken for key in keys)

    def options_problems(self, keys: Keys, options: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with options at ``keys`` that stand in for those of the optimizer."""
        optimizer = self.spec.optim.optimizer
        declaration = type(optimizer)
        given = {name: getattr(optimizer, name) for name in declaration.model_fields}
        try:
            declaration.model_validate({**given, **options})
        except ValidationError as error:
            from registry_core.config.loading.messages import problems_of

            return problems_of(error, declaration, options, self.tree, keys, f"optimizer {optimizer.name!r}")
        return []

    def inside(self, keys: Keys, at: Keys) -> Keys:
        """The place ``at`` inside the parameters of the component at ``keys``."""
        if not at:
            return keys
        name = next((path[len(keys)] for path in self.tree.values if path[: len(keys)] == keys != path), None)
        return keys if name is None else (*keys, name, *at)
