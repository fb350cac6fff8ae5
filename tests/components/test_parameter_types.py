"""Types of parameters that plugins share: what one declaration does with them is nothing to another."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError, create_model

from registry_core.components import types
from registry_core.components.base import ConfigModel
from registry_core.components.layer import PartName


@pytest.mark.parametrize(
    ("shared", "default", "wrong", "message"),
    [
        (types.Probability, 0.5, 1.5, "less than or equal to 1"),
        (types.PositiveFloat, 0.5, 0.0, "greater than 0"),
        (types.NonNegativeFloat, 0.5, -0.5, "greater than or equal to 0"),
        (types.PositiveInt, 2, 0, "greater than or equal to 1"),
        (types.NonNegativeInt, 2, -1, "greater than or equal to 0"),
        (PartName, "stem", "1", "expected a name of letters"),
    ],
    ids=["Probability", "PositiveFloat", "NonNegativeFloat", "PositiveInt", "NonNegativeInt", "PartName"],
)
def test_a_default_is_that_of_one_field(shared: Any, default: Any, wrong: Any, message: str) -> None:
    first = create_model("First", __base__=ConfigModel, size=(shared, default))
    second = create_model("Second", __base__=ConfigModel, size=(shared, Field(description="A size.")))
    assert first().size == default
    with pytest.raises(ValidationError, match="Field required"):
        second()
    for model in (first, second):
        assert model(size=default).size == default
        with pytest.raises(ValidationError, match=message):
            model(size=wrong)


@pytest.mark.parametrize("kind", [types.Size, types.ResizeSize, types.Padding, types.Fill])
def test_numbers_in_quotes_are_recognised(kind: Any) -> None:
    model = create_model("Model", __base__=ConfigModel, value=(kind, ...))
    for quoted in ("8", ["8", 8]):
        with pytest.raises(ValidationError) as caught:
            model(value=quoted)
        assert caught.value.errors()[0]["ctx"]["error"].remedy == "Write numbers without quotes."
    with pytest.raises(ValidationError) as caught:
        model(value="8 pixels")
    assert caught.value.errors()[0]["ctx"]["error"].remedy == ""
