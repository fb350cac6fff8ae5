"""The analysis of a spec: the data flow of a pipeline, computed once and read by everything that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from registry_core.analysis.lengths import horizon_of
from registry_core.analysis.measured import Direction, metric_names, watchers
from registry_core.analysis.model import ModelAnalysis, TermAnalysis, analyse_terms
from registry_core.analysis.rules import RuleAnalysis
from registry_core.analysis.sections import SectionAnalysis, analyse_section, declared_section, look_at
from registry_core.analysis.shared_names import SharedName, shared_names
from registry_core.analysis.weights import WeightsAnalysis, analyse_weights
from registry_core.components import Component, DataFacts, Horizon, RunFacts
from registry_core.components.forms import TargetForm
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import DataError, Keys


@dataclass(frozen=True)
class Analysis:
    """The data flow of a pipeline, as far as a cheap look at the data shows it."""

    spec: Spec
    sections: Mapping[Section, SectionAnalysis]
    """The sections whose data could be looked at."""
    data_errors: Mapping[Section, DataError]
    """The sections whose data are missing or wrong."""
    model: ModelAnalysis

    @property
    def train(self) -> SectionAnalysis | None:
        """The section of the training data, if they could be looked at."""
        return self.sections.get("train")

    @cached_property
    def horizon(self) -> Horizon | None:
        """The length of the run; None if the length of the training data is not known before it."""
        batches = self.train.batches if self.train else None
        return None if batches is None else horizon_of(self.spec, batches)

    @cached_property
    def num_classes(self) -> int | None:
        """The number of classes, from the model or the training data."""
        return self.model.num_outputs or (self.train.facts.num_classes if self.train else None)

    @cached_property
    def shared_names(self) -> tuple[SharedName, ...]:
        """The outputs of the model that have the name of an entry of the samples."""
        return tuple(shared_names(self.spec, self.sections))

    @cached_property
    def terms(self) -> tuple[TermAnalysis, ...]:
        """The terms of the loss, each with the activation before it."""
        targets = [section.targets or DataFacts() for section in self.sections.values()]
        return analyse_terms(self.spec, self.model.output_form, targets)

    @cached_property
    def metrics(self) -> Mapping[str, Direction]:
        """The metrics that a run measures, each with the better direction."""
        return metric_names(self.spec)

    @cached_property
    def watchers(self) -> list[tuple[Keys, Component]]:
        """The components that may watch a metric, with their keys."""
        return watchers(self.spec)

    @cached_property
    def run_facts(self) -> RunFacts:
        """The facts of the run, as components read them."""
        known = self.sections
        return RunFacts(
            sections={name: known[name].facts if name in known else DataFacts() for name in self.spec.data.sections()},
            metric_names=tuple(self.metrics),
            outputs=self.spec.model.outputs,
            target_form=self._evaluated_targets(),
            output_form=self.model.output_form,
            num_outputs=self.model.num_outputs,
            num_classes=self.num_classes,
            horizon=self.horizon,
            lr=lr if isinstance(lr := getattr(self.spec.optim.optimizer, "lr", None), float) else None,
            image=self.train.image if self.train else None,
            layers={layer.name: layer.shape for layer in self.model.layers},
        )

    def _evaluated_targets(self) -> TargetForm:
        """The form of the targets of evaluations, or of training where there is none."""
        section = self.sections.get("train" if self.spec.data.val is None else "val")
        return section.targets.target_form if section and section.targets else "any"

    @cached_property
    def rules(self) -> RuleAnalysis | None:
        """The parameters that rules select; None if the modules of the model are not known before it is built."""
        return None if self.model.modules is None else RuleAnalysis(self.spec, self.model.modules)

    @cached_property
    def weights(self) -> WeightsAnalysis | None:
        """The weights that a run starts from; None if it starts from none."""
        finetune = self.spec.finetune
        if finetune is None or finetune.weights is None:
            return None
        return analyse_weights(finetune, self.model.modules)


def analyse(
    spec: Spec, skip: frozenset[Section] = frozenset(), known: Mapping[Section, DataFacts] | None = None
) -> Analysis:
    """The analysis of a spec; the data of the sections to skip are not looked at.

    ``known`` are facts of data that are not looked at again, such as those of a run whose data may be gone.
    """
    sections: dict[Section, SectionAnalysis] = {}
    errors: dict[Section, DataError] = {}
    for name in spec.data.sections():
        if name in skip:
            continue
        try:
            facts = known[name] if known and name in known else look_at(declared_section(spec, name))
            sections[name] = analyse_section(spec, name, facts)
        except DataError as error:
            errors[name] = error
    return Analysis(spec, sections, errors, ModelAnalysis(spec.model))
