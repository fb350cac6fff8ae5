"""The facts of a pipeline as components read them: hooks before a run, and whoever warns of itself."""

from __future__ import annotations

from registry_core.analysis.analysis import Analysis
from registry_core.components import DataFacts, RunFacts
from registry_core.components.forms import TargetForm


def run_facts(analysis: Analysis) -> RunFacts:
    """The facts of the run that a pipeline describes."""
    known = analysis.sections
    sections: dict[str, DataFacts] = {
        name: known[name].facts if name in known else DataFacts() for name in analysis.spec.data.sections()
    }
    return RunFacts(
        sections=sections,
        metric_names=tuple(analysis.metrics),
        outputs=analysis.spec.model.outputs,
        target_form=_evaluated_targets(analysis),
        output_form=analysis.model.output_form,
        num_outputs=analysis.model.num_outputs,
        layers={layer.name: layer.shape for layer in analysis.model.layers},
    )


def _evaluated_targets(analysis: Analysis) -> TargetForm:
    """The form of the targets of evaluations, or of training where there is none."""
    section = analysis.sections.get("train" if analysis.spec.data.val is None else "val")
    return section.targets.target_form if section and section.targets else "any"
