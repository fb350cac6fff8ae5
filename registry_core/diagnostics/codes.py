"""The table of codes: one row for each kind of mistake.

``Problem.code`` and ``RegistryError.code`` are names from this table. The text of a code is in
``explanations/CODE.md``. `registry-core explain`, shell completion and docs/mistakes.md are made from both.
A new code needs a row here and such a text.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Theme = Literal[
    "Reading the file",
    "Keys and values",
    "Components and packages",
    "Variables, options and files that extend others",
    "Data and transforms",
    "Model, loss and metrics",
    "Training",
    "Finetuning",
    "The machine",
]
THEMES: tuple[Theme, ...] = get_args(Theme)
"""The subjects of mistakes, in the order in which they are listed."""

Severity = Literal["error", "warning", "error or warning"]


class Code(NamedTuple):
    """A kind of mistake: its name, its theme, and whether problems with this code are errors or warnings."""

    name: str
    theme: Theme
    severity: Severity = "error"


_ROWS = (
    Code("cyclic-alias", "Reading the file"),
    Code("duplicate-key", "Reading the file"),
    Code("file-too-large", "Reading the file"),
    Code("file-unreadable", "Reading the file"),
    Code("key-form", "Reading the file"),
    Code("merge-key", "Reading the file"),
    Code("nesting-too-deep", "Reading the file"),
    Code("newer-version", "Reading the file"),
    Code("number-not-finite", "Reading the file"),
    Code("older-version", "Reading the file"),
    Code("root-form", "Reading the file"),
    Code("tag", "Reading the file"),
    Code("too-many-values", "Reading the file"),
    Code("yaml-syntax", "Reading the file"),
    Code("ignore", "Keys and values"),
    Code("missing-key", "Keys and values"),
    Code("missing-parameter", "Keys and values"),
    Code("old-spelling", "Keys and values"),
    Code("out-of-range", "Keys and values"),
    Code("unknown-key", "Keys and values"),
    Code("unknown-parameter", "Keys and values"),
    Code("unused-ignore", "Keys and values", "warning"),
    Code("wrong-choice", "Keys and values"),
    Code("wrong-length", "Keys and values"),
    Code("wrong-type", "Keys and values"),
    Code("wrong-value", "Keys and values"),
    Code("broken-component", "Components and packages"),
    Code("component-failed", "Components and packages"),
    Code("component-warning", "Components and packages", "warning"),
    Code("component-form", "Components and packages"),
    Code("deprecated-component", "Components and packages", "warning"),
    Code("missing-module", "Components and packages"),
    Code("missing-requirement", "Components and packages"),
    Code("name-conflict", "Components and packages"),
    Code("preference", "Components and packages"),
    Code("unknown-component", "Components and packages"),
    Code("version-specifier", "Components and packages"),
    Code("extends", "Variables, options and files that extend others"),
    Code("set-option", "Variables, options and files that extend others"),
    Code("unknown-variable", "Variables, options and files that extend others"),
    Code("variable-value", "Variables, options and files that extend others"),
    Code("data", "Data and transforms"),
    Code("class-order", "Data and transforms", "warning"),
    Code("files-left-out", "Data and transforms", "warning"),
    Code("image-sizes", "Data and transforms"),
    Code("labels-from-one", "Data and transforms", "warning"),
    Code("no-full-batch", "Data and transforms"),
    Code("no-effect", "Data and transforms", "warning"),
    Code("one-class", "Data and transforms", "warning"),
    Code("prepared-differently", "Data and transforms", "warning"),
    Code("random-evaluation", "Data and transforms", "warning"),
    Code("same-data", "Data and transforms", "warning"),
    Code("sampler", "Data and transforms"),
    Code("several-views", "Data and transforms"),
    Code("splits-exchanged", "Data and transforms", "warning"),
    Code("target-meaning", "Data and transforms", "warning"),
    Code("target-transform", "Data and transforms"),
    Code("test-is-val", "Data and transforms", "warning"),
    Code("transform-effect", "Data and transforms", "warning"),
    Code("transform-input", "Data and transforms"),
    Code("transform-place", "Data and transforms"),
    Code("unit", "Data and transforms", "warning"),
    Code("value-range", "Data and transforms", "warning"),
    Code("class-count", "Model, loss and metrics"),
    Code("dead-layer", "Model, loss and metrics", "warning"),
    Code("duplicate-metric", "Model, loss and metrics", "error or warning"),
    Code("first-loss", "Model, loss and metrics", "warning"),
    Code("gradient-missing", "Model, loss and metrics", "warning"),
    Code("gradient-zero", "Model, loss and metrics", "warning"),
    Code("ignored-classes", "Model, loss and metrics", "warning"),
    Code("init-rule", "Model, loss and metrics"),
    Code("init-values", "Model, loss and metrics", "warning"),
    Code("last-layer", "Model, loss and metrics", "warning"),
    Code("layer-effect", "Model, loss and metrics", "warning"),
    Code("layers", "Model, loss and metrics"),
    Code("loss-input", "Model, loss and metrics"),
    Code("loss-options", "Model, loss and metrics", "warning"),
    Code("metric-input", "Model, loss and metrics"),
    Code("metric-options", "Model, loss and metrics", "warning"),
    Code("missing-entry", "Model, loss and metrics"),
    Code("model-input", "Model, loss and metrics"),
    Code("no-nonlinearity", "Model, loss and metrics", "warning"),
    Code("not-differentiable", "Model, loss and metrics"),
    Code("not-finite", "Model, loss and metrics", "error or warning"),
    Code("output-shape", "Model, loss and metrics"),
    Code("sequence-length", "Model, loss and metrics", "error or warning"),
    Code("shared-name", "Model, loss and metrics"),
    Code("target-form", "Model, loss and metrics"),
    Code("unknown-metric", "Model, loss and metrics"),
    Code("unreachable-target", "Model, loss and metrics", "warning"),
    Code("value-count", "Model, loss and metrics"),
    Code("average", "Training", "warning"),
    Code("batch-of-one", "Training", "error or warning"),
    Code("beyond-run", "Training", "warning"),
    Code("duplicate-hook", "Training", "warning"),
    Code("hook", "Training"),
    Code("layer-decay", "Training"),
    Code("metric-direction", "Training", "warning"),
    Code("no-evaluation", "Training", "warning"),
    Code("nothing-to-train", "Training"),
    Code("optimizer-groups", "Training"),
    Code("optimizer-parameters", "Training"),
    Code("parameter-group", "Training"),
    Code("precision", "Training"),
    Code("schedule-course", "Training", "warning"),
    Code("schedule-length", "Training"),
    Code("optimizer-values", "Training", "warning"),
    Code("overridden-parameter", "Training", "warning"),
    Code("patience", "Training", "warning"),
    Code("schedule-optimizer", "Training"),
    Code("steps-not-reached", "Training"),
    Code("frozen-parameters", "Finetuning"),
    Code("random-frozen", "Finetuning", "warning"),
    Code("unfreeze", "Finetuning", "warning"),
    Code("weights", "Finetuning"),
    Code("device", "The machine"),
    Code("disk-space", "The machine", "warning"),
    Code("not-checked", "The machine", "warning"),
    Code("not-deterministic", "The machine"),
    Code("not-on-meta", "The machine", "error or warning"),
    Code("out-of-memory", "The machine"),
    Code("run-directory", "The machine"),
    Code("too-many-workers", "The machine", "warning"),
)

CODES: dict[str, Code] = {row.name: row for row in _ROWS}
"""Every code by its name, theme by theme."""
