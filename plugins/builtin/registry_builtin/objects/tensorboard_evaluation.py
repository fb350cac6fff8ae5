"""TensorBoard plots of evaluations: confusion matrices and precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from registry_builtin.objects.tensorboard import TensorBoardHook
from registry_core.components import Row, hookimpl

MOST_NUMBERS = 20
"""Maximum number of classes for which values are printed in matrices."""


class ConfusionMatrix(TensorBoardHook):
    """Counts over an evaluation, and plots the matrix when its row of metrics arrives."""

    counts: Tensor | None = None

    def __init__(self, normalize: bool) -> None:
        self.normalize = normalize

    @hookimpl
    def batch_evaluated(self, values: Mapping[str, Any]) -> None:
        """Count a batch on the device."""
        output, target = values["output"], values["target"]
        classes = output.shape[1]
        places = torch.where(target >= 0, target * classes + output.argmax(1), classes * classes).flatten()
        found = torch.bincount(places, minlength=classes * classes + 1)[:-1].view(classes, classes)
        self.counts = found if self.counts is None else self.counts + found

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        """Plot the counts since the previous row."""
        if self.counts is None or not self.joined:
            return
        counts, self.counts = self.counts.cpu().numpy(), None
        figure = matrix_figure(counts, self.normalize, self.run.class_names)
        self.file.writer.add_figure("confusion_matrix/val", figure, row.step)


def matrix_figure(counts: NDArray[np.int64], normalize: bool, names: tuple[str, ...]) -> Any:
    """Return the figure of a matrix of counts [true, predicted], coloured by the fractions of each row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # not a dependency of the core
    from matplotlib.figure import Figure

    classes = len(counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    labels = names if len(names) == classes else [str(number) for number in range(classes)]
    side = min(3 + 0.4 * classes, 16)
    figure = Figure(figsize=(side, side), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)  # no window, whatever the backend
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(classes), labels, rotation=90 if max(map(len, labels)) > 2 else 0)
    axes.set_yticks(range(classes), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{np.trace(counts)} of {counts.sum()} correct")
    if classes <= MOST_NUMBERS:
        for (true, predicted), count in np.ndenumerate(counts):
            text = f"{shares[true, predicted]:.2f}" if normalize else str(count)
            color = "white" if shares[true, predicted] > 0.5 else "black"
            if count:
                axes.text(predicted, true, text, ha="center", va="center", color=color, fontsize=8)
    return figure


class PrCurve(TensorBoardHook):
    """Collects scores or counts over an evaluation, and plots the curves when its row of metrics arrives."""

    def __init__(self, raw: bool, thresholds: int) -> None:
        self.raw = raw
        self.thresholds = thresholds
        self.kept: list[tuple[Tensor, Tensor, Tensor]] = []
        self.counts: Tensor | None = None
        """[2, classes, thresholds]: histograms of the scores of positive and of negative samples."""

    @hookimpl
    def batch_evaluated(self, values: Mapping[str, Any]) -> None:
        """Keep or count a batch."""
        output, target = values["output"], values["target"]
        scores = _scores(output.float(), self.run.output_form, multi_hot=target.ndim == 2)
        if target.ndim == 2:
            positive, counts = target > 0.5, torch.ones_like(target, dtype=torch.bool)
        else:
            positive = target[:, None] == torch.arange(output.shape[1], device=target.device)
            counts = (target >= 0)[:, None].expand_as(positive)
        if not self.raw:
            self.kept.append((scores, positive, counts[:, 0]))
            return
        found = torch.stack([self._counted(scores, positive), self._counted(scores, counts & ~positive)])
        self.counts = found if self.counts is None else self.counts + found

    def _counted(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return the number of chosen samples in each bucket of scores, [classes, thresholds]."""
        size = scores.shape[1] * self.thresholds
        buckets = (scores * (self.thresholds - 1)).floor().long()
        places = buckets + torch.arange(scores.shape[1], device=scores.device) * self.thresholds
        found = torch.bincount(torch.where(chosen, places, size).flatten(), minlength=size + 1)
        return found[:-1].view(-1, self.thresholds)

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        """Plot the curves of the batches since the previous row."""
        if self.kept:
            scores, positive, counts = (torch.cat(each).cpu().numpy() for each in zip(*self.kept, strict=True))
            scores, positive, self.kept = scores[counts], positive[counts], []
            for number, tag in enumerate(self._tags(scores.shape[1])):
                self.file.writer.add_pr_curve(tag, positive[:, number], scores[:, number], row.step, self.thresholds)
        if self.counts is not None:
            counts, self.counts = self.counts.cpu().numpy(), None
            for tag, true, false in zip(self._tags(counts.shape[1]), *counts, strict=True):
                self.file.writer.add_pr_curve_raw(tag, *_curve(true, false), row.step, self.thresholds)

    def _tags(self, classes: int) -> list[str]:
        names = self.run.class_names
        return [f"pr_curve/{names[n] if len(names) == classes else n}" for n in range(classes)]


def _scores(output: Tensor, form: str, multi_hot: bool) -> Tensor:
    """Return the scores of the classes, from 0 to 1."""
    if form == "probabilities":
        return output
    if form == "log_probabilities":
        return output.exp()
    return output.sigmoid() if multi_hot else output.softmax(1)


def _curve(true: NDArray[np.int64], false: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """Return true and false positives, true and false negatives, precision and recall at each threshold."""
    tp, fp = (counts[::-1].cumsum()[::-1] for counts in (true, false))
    tn, fn = fp[0] - fp, tp[0] - tp
    return tp, fp, tn, fn, tp / np.maximum(tp + fp, 1e-7), tp / np.maximum(tp + fn, 1e-7)
