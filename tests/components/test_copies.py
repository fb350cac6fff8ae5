"""Copies of components: what a copy with other values has computed once is not that of the original."""

from __future__ import annotations

from registry_core import registries


def test_the_facts_of_a_copy_are_its_own() -> None:
    train = registries.datasets["digits"](split="train")
    facts = train.cached_facts
    val = train.model_copy(update={"split": "val"})
    assert val.cached_facts == registries.datasets["digits"](split="val").cached_facts
    assert val.cached_facts.length != facts.length
    assert train.cached_facts is facts
    assert train.model_copy().cached_facts is facts


def test_the_layers_of_a_copy_are_its_own() -> None:
    linear = registries.layers["linear"]
    model = registries.models["sequential"](
        input=[1, 8, 8], layers=[registries.layers["flatten"](), linear(out_features=3)]
    )
    assert model.num_outputs() == 3
    other = model.model_copy(update={"layers": (*model.layers, linear(out_features=5))})
    assert other.num_outputs() == 5
    assert [failed.code for failed in other.warnings(None)] == ["no-nonlinearity"]
    assert (model.num_outputs(), list(model.warnings(None))) == (3, [])
    assert model == registries.models["sequential"](input=[1, 8, 8], layers=list(model.layers))
