"""How messages write values, which word or number a wrong one is taken for, and where a misplaced key belongs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from registry_core.config.loading.wording import number_meant, shown
from registry_core.config.text.tree import read_value
from registry_core.diagnostics import PipelineError, closest
from registry_core.loaded import load


@pytest.mark.parametrize("value", [None, True, [1, None, False], {"a": [True]}, "no", 1.5, [[]], {}])
def test_a_value_is_shown_as_a_file_has_it(value: object) -> None:
    assert yaml.safe_load(shown(value)) == value


def test_a_tuple_is_shown_as_a_list_and_what_is_long_is_cut() -> None:
    assert shown((1, 2)) == "[1, 2]"
    assert len(shown("x" * 99)) == 60


MEANT = {
    "1e-3": Decimal("0.001"),
    "\N{MINUS SIGN}2": Decimal(-2),
    "10_000": Decimal(10000),
    "1'000": Decimal(1000),
    "0,5": Decimal("0.5"),
    "20%": Decimal(20) / 100,
    "2.5k": Decimal(2500),
    "1/8": Fraction(1, 8),
    "10**-3": Fraction(10) ** -3,
    "10^4": Fraction(10) ** 4,
}


@pytest.mark.parametrize(("text", "number"), MEANT.items())
def test_a_text_that_stands_for_a_number(text: str, number: Decimal | Fraction) -> None:
    assert read_value(number_meant(text, whole=False)) == pytest.approx(float(number), rel=1e-12)
    whole = number_meant(text, whole=True)
    assert (int(whole) == number) if number == int(number) else whole == ""


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "ten", "", "1/0", "9**999999", "0**-1", "2024-01-31", "1:30"])
def test_a_text_that_stands_for_none(text: str) -> None:
    assert number_meant(text, whole=False) == ""


NAMES = ["accuracy", "adamw", "asgd", "bce", "bce_with_logits", "checkpoint", "cpu", "cross_entropy", "l1", "lr", "mlp"]
NAMES += ["sgd", "val", "version"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("CrossEntropyLoss", ["cross_entropy"]),
        ("BCEWithLogitsLoss", ["bce_with_logits"]),
        ("sparse_categorical_crossentropy", ["cross_entropy"]),
        ("ModelCheckpoint", ["checkpoint"]),
        ("acc", ["accuracy"]),
        ("adam_w", ["adamw"]),
        ("l1_loss", ["l1"]),
        ("learning_rate", ["lr"]),
        ("validation", ["val"]),
        ("sdg", ["sgd"]),
        ("mpl", ["mlp"]),
        ("gpu", []),
        ("criterion", []),
        ("", []),
        ("resnet", []),
    ],
)
def test_what_is_most_like_a_word(word: str, meant: list[str]) -> None:
    assert closest(word, NAMES)[: max(1, len(meant))] == meant


def test_a_key_is_sent_where_it_belongs_and_a_misspelt_one_is_not(pipeline: Callable[..., Path]) -> None:
    text = (
        "version: 1\nepochs: 3\nlr: 0.1\n"
        "data: {train: {dataset: digits, transforms: [to_tensor], shuffel: true}, batch_size: 8}\n"
        "model: {mlp: {size: 8, epochs: 1}}\nloss: cross_entropy\n"
        "optim: {optimizer: {sgd: {groups: []}}}\ntrain: {epoch: 3}\n"
    )
    with pytest.raises(PipelineError) as refused:
        load(pipeline(text))
    assert {problem.path: problem.remedy for problem in refused.value.problems} == {
        "epochs": "It belongs under `train`: move it there.",
        "lr": "It belongs under `optim.optimizer.sgd`: move it there.",
        "data.train.shuffel": "Known are: batch_size, batch_transforms, dataset, sampler, transforms.",
        "model.mlp.epochs": "Known are: bias, dropout, hidden, in_channels, num_classes, size. "
        "A key of this name belongs under `train`.",
        "optim.optimizer.sgd.groups": "It belongs under `optim`: move it there.",
        "train.epoch": "Did you mean 'epochs'?",
    }
