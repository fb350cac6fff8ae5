"""Trailing sample transforms with a batch form are applied once per batch, after collation."""

from __future__ import annotations

from dataclasses import replace

from registry_core.components import Transform
from registry_core.planning.plan import Plan
from registry_core.planning.program import Operation, SectionPlan, Stage
from registry_core.planning.rewrites.rewrite import Rewrite


def apply(plan: Plan) -> Plan:
    """The plan with the trailing transforms of every section after its collation."""
    sections = {name: _moved(section) for name, section in plan.sections.items()}
    unchanged = all(section is plan.sections[name] for name, section in sections.items())
    return plan if unchanged else replace(plan, sections=sections)


def _moved(section: SectionPlan) -> SectionPlan:
    if len(section.stages) < 2:
        return section
    samples, batches, *later = section.stages
    if samples.unit != "sample" or batches.unit != "batch" or batches.operations[0].action != "collate":
        return section
    kept = len(samples.operations)
    while kept and _has_batch_form(samples.operations[kept - 1]):
        kept -= 1
    moved = tuple(replace(operation, batch_form=True) for operation in samples.operations[kept:])
    if not moved:
        return section
    collate = replace(batches.operations[0], image=samples.operations[kept - 1].image if kept else None)
    stages = (
        replace(samples, operations=samples.operations[:kept]),
        Stage(batches.place, "batch", (collate, *moved, *batches.operations[1:])),
        *later,
    )
    return replace(section, stages=stages)


def _has_batch_form(operation: Operation) -> bool:
    transform: Transform | None = operation.transform
    if transform is None or not transform.has_batch_form or transform.image_only:
        return False  # one of the image alone changes no other entry, and a batch form changes all images
    return transform.random == "none" and transform.num_views == 1 and not transform.children()


def describe(before: Plan, after: Plan) -> str:
    """The moved transforms, by section."""
    moved = {
        name: [operation.name for operation in section.operations if operation.batch_form]
        for name, section in after.sections.items()
    }
    return ", ".join(f"{' and '.join(names)} of {section}" for section, names in moved.items() if names)


REWRITE = Rewrite(
    name="batch_trailing_transforms",
    equality="same bits",
    reason="one call for a batch instead of one for each of its samples",
    apply=apply,
    describe=describe,
)
