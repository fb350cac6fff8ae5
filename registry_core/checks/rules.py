"""Rules that choose modules and parameters, checked against what the model says it will be made of."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.init_rules import check_init
from registry_core.analysis.parameter_rules import check_freezing, check_groups_match, check_layers, frozen_by
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, Loss
from registry_core.components.modules import parameter_shapes
from registry_core.diagnostics import Problem


def check_init_rules(context: CheckContext) -> Iterator[Problem]:
    """Every rule of `init` fills something, and can; where the model's modules are known."""
    if context.spec.init and context.whole(("init",)) and (modules := context.modules) is not None:
        yield from _placed(context, check_init(context.spec.init, modules))


def check_frozen(context: CheckContext) -> Iterator[Problem]:
    """`freeze` and `unfreeze` match parameters, and leave something to train."""
    finetune = context.spec.finetune
    if finetune is None or not finetune.freeze or not context.whole(("finetune",)):
        return
    if (modules := context.modules) is not None:
        yield from _placed(context, check_freezing(finetune, modules, parameter_shapes(modules)))


def check_parameter_groups(context: CheckContext) -> Iterator[Problem]:
    """Every group and every layer of `optim` gets a parameter that is trained."""
    optim = context.spec.optim
    patterns = optim.layer_decay.layers if optim.layer_decay else None
    if not (optim.groups or patterns):
        return
    if not context.whole(("optim", "groups"), ("optim", "layer_decay"), ("finetune",)):
        return
    if (modules := context.modules) is None:
        return
    names = list(parameter_shapes(modules))
    frozen = frozen_by(context.spec.finetune, modules)
    trained = [name for name in names if name not in frozen.names or name in frozen.freed]
    open_ended = any(_may_have_weights(term.loss) for term in context.spec.loss.terms())
    for failed in check_groups_match(optim.groups, modules, trained) if trained else ():
        index = failed.at[2]
        if not (open_ended and isinstance(index, int) and optim.groups[index].modules is None):
            yield context.problem(failed.at, failed.message, failed.remedy)
    if patterns:
        yield from _placed(context, check_layers(patterns, names))


def _may_have_weights(loss: Loss) -> bool:
    """Whether a loss may have parameters, which a group can name; plain ones do not say."""
    plain = loss.record is not None and loss.record.target == loss.target
    return loss.has_parameters or plain


def _placed(context: CheckContext, found: Iterator[CheckFailed]) -> Iterator[Problem]:
    for failed in found:
        yield context.problem(failed.at, failed.message, failed.remedy)
