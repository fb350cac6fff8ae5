"""Which known word a misspelt one is taken for, and how that is told."""

from __future__ import annotations

import pytest

from registry_core.diagnostics import Suggestion, closest, near, suggest

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


def test_a_suggestion_says_what_it_knows() -> None:
    assert suggest("sdg", ["sgd", "adam"]) == Suggestion(("sgd",), ("adam", "sgd"))
    assert str(suggest("sdg", ["sgd", "adam"])) == "Did you mean 'sgd'?"
    assert str(Suggestion(("a", "b"), ("a", "b", "c"))) == "Did you mean 'a' or 'b'?"
    assert str(suggest("gpu", ["sgd", "adam"])) == "Available: adam, sgd."
    assert str(suggest("gpu", map(str, range(17)))).endswith(", 7, 8, …."), "sixteen of them are named"
    assert str(suggest("gpu", [])) == "" == near("gpu", [])
    assert near("sdg", ["sgd"]) == str(suggest("sdg", ["sgd"]))
