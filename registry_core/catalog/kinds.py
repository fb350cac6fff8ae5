"""The table of kinds: one row for each kind of component, which defines everything about the kind."""

from __future__ import annotations

import re
from typing import NamedTuple

CONTRACT = "v1"
"""Version of the contract between components and the core; part of every entry-point group."""

PREFIX = "registry_core."


class Kind(NamedTuple):
    """A kind of component. A new kind needs one row here and a base class, and nothing else.

    Code is named as ``module:attribute`` and imported on first use, so that finding components imports nothing.
    """

    name: str
    plural: str
    """Name of the registry and, in ``registry_core.v1.PLURAL``, of the entry-point group."""
    base: str
    """Class that declarations of the kind derive from."""
    builds: str
    """Type of the objects that its components build, or a predicate that returns True for them."""
    methods: tuple[str, ...] = ()
    """Methods that an object of the kind must have, where the type leaves that open."""
    rebuilt_for: str = ""
    """The argument for which every run builds a new object; if there is one, an object cannot be registered."""
    only_called: bool = False
    """True if it is called and never instantiated, so that a class cannot be registered."""
    section: str = ""
    """Top-level key of a pipeline file with a list of such components; empty if ``Spec`` has a field for them."""
    page: str = "docs/writing-plugins.md"
    """Page of the documentation, relative to the root of the repository, with the heading after ``#``."""
    characteristics: str = ""
    """Function from a declaration to the characteristics that ``show`` prints for the kind; empty: none."""
    checks: tuple[str, ...] = ()
    """Modules of the conformance kit with the checks of the kind, in addition to those of every kind."""
    trial: str = ""
    """Function from a component to an object for these checks; empty: ``component.build()`` without arguments."""
    draws_from_torch: bool = False
    """Building a component draws initial values from torch's global generator."""
    templates: str = ""
    """Folder of ``registry_core/scaffold/templates`` that ``new-plugin`` fills; empty: the general ones."""
    template_checks: int = 10
    """Number of checks of the conformance kit that apply to the component that these templates make."""

    @property
    def one(self) -> str:
        """The kind with its article, for messages: ``a loss``, ``an optimizer``."""
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    @property
    def group(self) -> str:
        """Entry-point group, such as ``registry_core.v1.losses``."""
        return f"{PREFIX}{CONTRACT}.{self.plural}"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "transform",
            "transforms",
            base="registry_core.components.transform:Transform",
            builds="builtins:callable",
            methods=("__call__",),
            page="docs/pipeline-file.md#data",
            characteristics="registry_core.registry.characteristics:of_transform",
            checks=("registry_core.testing.of_transforms",),
            trial="registry_core.testing.of_transforms:built_transform",
            templates="transform",
            template_checks=14,
        ),
        Kind(
            "init",
            "inits",
            base="registry_core.components.init:Init",
            builds="builtins:callable",
            methods=("__call__",),
            only_called=True,
            page="docs/pipeline-file.md#init",
            characteristics="registry_core.registry.characteristics:of_init",
            checks=("registry_core.testing.of_inits",),
            draws_from_torch=True,
            templates="init",
            template_checks=12,
        ),
        Kind(
            "loss",
            "losses",
            base="registry_core.components.loss:Loss",
            builds="torch.nn:Module",
            page="docs/pipeline-file.md#loss",
            characteristics="registry_core.registry.characteristics:of_loss",
            checks=("registry_core.testing.of_losses",),
            trial="registry_core.testing.of_losses:built_loss",
            draws_from_torch=True,
            templates="loss",
            template_checks=15,
        ),
        Kind(
            "optimizer",
            "optimizers",
            base="registry_core.components.optimizer:Optimizer",
            builds="torch.optim:Optimizer",
            rebuilt_for="the parameters of its model",
            page="docs/pipeline-file.md#optim",
            characteristics="registry_core.registry.characteristics:of_optimizer",
            checks=("registry_core.testing.of_optimizers",),
            trial="registry_core.testing.of_optimizers:built_optimizer",
            templates="optimizer",
            template_checks=13,
        ),
        Kind(
            "scheduler",
            "schedulers",
            base="registry_core.components.scheduler:Scheduler",
            builds="torch.optim.lr_scheduler:LRScheduler",
            rebuilt_for="its optimizer",
            page="docs/pipeline-file.md#schedules",
            characteristics="registry_core.registry.characteristics:of_scheduler",
            checks=("registry_core.testing.of_schedulers",),
            trial="registry_core.testing.of_schedulers:built_scheduler",
            templates="scheduler",
            template_checks=13,
        ),
        Kind(
            "dataset",
            "datasets",
            base="registry_core.components.dataset:Dataset",
            builds="registry_core.components.dataset:is_map_style",
            methods=("__len__", "__getitem__"),
            page="docs/pipeline-file.md#data",
            checks=("registry_core.testing.of_datasets",),
            templates="dataset",
            template_checks=13,
        ),
        Kind(
            "sampler",
            "samplers",
            base="registry_core.components.sampler:Sampler",
            builds="builtins:callable",
            methods=("__call__",),
            rebuilt_for="the number of samples",
            page="docs/pipeline-file.md#data",
            characteristics="registry_core.registry.characteristics:of_sampler",
            checks=("registry_core.testing.of_samplers",),
            trial="registry_core.testing.of_samplers:built_sampler",
            templates="sampler",
            template_checks=12,
        ),
        Kind(
            "model",
            "models",
            base="registry_core.components.model:Model",
            builds="torch.nn:Module",
            page="docs/pipeline-file.md#models-in-the-file",
            characteristics="registry_core.registry.characteristics:of_model",
            checks=("registry_core.testing.of_models", "registry_core.testing.of_modules"),
            draws_from_torch=True,
            templates="model",
            template_checks=14,
        ),
        Kind(
            "layer",
            "layers",
            base="registry_core.components.layer:Layer",
            builds="torch.nn:Module",
            page="docs/pipeline-file.md#models-in-the-file",
            characteristics="registry_core.registry.characteristics:of_layer",
            checks=("registry_core.testing.of_modules", "registry_core.testing.of_layers"),
            trial="registry_core.testing.of_layers:built_layer",
            draws_from_torch=True,
            templates="layer",
            template_checks=11,
        ),
        Kind(
            "metric",
            "metrics",
            base="registry_core.components.metric:Metric",
            builds="torchmetrics:Metric",
            page="docs/pipeline-file.md#what-is-measured",
            characteristics="registry_core.registry.characteristics:of_metric",
            checks=("registry_core.testing.of_metrics",),
            trial="registry_core.testing.of_metrics:built_metric",
            templates="metric",
            template_checks=12,
        ),
        Kind(
            "hook",
            "hooks",
            base="registry_core.components.hook:Hook",
            builds="builtins:object",
            page="docs/hooks.md",
            characteristics="registry_core.registry.characteristics:of_hook",
            checks=("registry_core.testing.of_hooks",),
            templates="hook",
            template_checks=12,
        ),
        Kind(
            "function",
            "functions",
            base="registry_core.components.function:Function",
            builds="builtins:callable",
            methods=("__call__",),
            only_called=True,
            page="docs/pipeline-file.md#data",
            checks=("registry_core.testing.of_functions",),
            templates="function",
            template_checks=12,
        ),
    )
}

PROVIDERS = f"{PREFIX}{CONTRACT}.providers"
"""Entry-point group of providers: each has components of one kind, and an index file beside it lists their names."""

_BY_PLURAL = {kind.plural: kind for kind in KINDS.values()}
_GROUP = re.compile(re.escape(PREFIX) + r"(v[0-9]+)\.(\w+)")


class Group(NamedTuple):
    """The parts of an entry-point group's name: the contract, and the kind (None for providers)."""

    contract: str
    kind: Kind | None


def read_group(name: str) -> Group | None:
    """The parts of a group's name; None unless it is a group of registry-core, in any version of the contract."""
    match = _GROUP.fullmatch(name)
    if match is None:
        return None
    contract, plural = match.groups()
    if plural == "providers":
        return Group(contract, None)
    return Group(contract, _BY_PLURAL[plural]) if plural in _BY_PLURAL else None


def kind_of_plural(plural: str) -> Kind | None:
    """The kind that a plural such as ``losses`` names."""
    return _BY_PLURAL.get(plural)


def group_names() -> list[str]:
    """The names of all groups of this contract."""
    return [*(kind.group for kind in KINDS.values()), PROVIDERS]
