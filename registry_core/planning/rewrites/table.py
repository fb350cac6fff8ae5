"""The table of rewrites, in the order of application."""

from __future__ import annotations

from dataclasses import replace

from registry_core.config.models import Rewrites
from registry_core.planning.decisions import Decision
from registry_core.planning.plan import Plan
from registry_core.planning.rewrites import batch_trailing_transforms
from registry_core.planning.rewrites.rewrite import Rewrite

REWRITES: tuple[Rewrite, ...] = (batch_trailing_transforms.REWRITE,)
"""Every rewrite; its switch is the field of the same name in `config.models.Rewrites`."""


def rewritten(plan: Plan, switches: Rewrites) -> Plan:
    """The plan after all enabled rewrites that apply to it, with a decision for each."""
    for rewrite in REWRITES:
        if not getattr(switches, rewrite.name):
            continue
        after = rewrite.apply(plan)
        if after is plan:
            continue
        reason = f"{rewrite.reason}; {rewrite.equality}; data.rewrites: {{{rewrite.name}: false}} turns it off"
        decision = Decision(rewrite.name, rewrite.describe(plan, after), reason)
        plan = replace(after, decisions=(*after.decisions, decision), rewrites=(*after.rewrites, rewrite.name))
    return plan
