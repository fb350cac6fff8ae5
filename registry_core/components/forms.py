"""Forms of the outputs of models and of the targets of data."""

from __future__ import annotations

from typing import Literal

OutputForm = Literal["logits", "log_probabilities", "probabilities", "values", "embeddings", "any"]
"""The form of a model's output: logits, their log-softmax, numbers from 0 to 1, plain values, or embeddings."""

TargetForm = Literal[
    "class_indices",
    "class_maps",
    "class_lists",
    "multi_hot",
    "one_hot",
    "signs",
    "values",
    "counts",
    "distributions",
    "sequences",
    "any",
]
"""The form of a target.

- ``class_indices``: int64, one class a sample
- ``class_maps``: int64 [height, width], one class a pixel
- ``class_lists``: int64 [classes], the indices of the classes that are present, the rest -1
- ``multi_hot``: float [classes], 1 for each class that is present, else 0
- ``one_hot``: float [classes], 1 for the one class that is present; it is a ``multi_hot`` and a ``distributions`` too
- ``signs``: float, 1 or -1, one a sample or one a class
- ``values``: float
- ``counts``: float, whole and not negative
- ``distributions``: float [classes], summing to 1
- ``sequences``: int64 [longest], padded, with the entry ``target_length``
- ``any``: not known
"""

Aspect = Literal["handedness", "upright", "angle", "extent"]
"""An aspect of an image that a geometric transform may change, and that a target may depend on.

- ``handedness``: left and right, which a mirrored image exchanges
- ``upright``: which side is up
- ``angle``: the direction of things in the image
- ``extent``: the whole image, of which a crop leaves a part
"""

_WORDS = {
    "class_indices": "class indices",
    "multi_hot": "multi-hot vectors",
    "one_hot": "one-hot vectors",
    "log_probabilities": "log-probabilities",
}


def words(form: OutputForm | TargetForm) -> str:
    """A form as words: ``class indices``."""
    return _WORDS.get(form, form.replace("_", " "))


def counted(number: int, noun: str) -> str:
    """A count with its noun: ``1 value``, ``3 values``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def taken(form: TargetForm, takes: tuple[TargetForm, ...]) -> bool:
    """True if targets of this form are among the accepted ``inputs``; empty ``inputs`` accept everything."""
    if not takes or form in ("any", *takes):
        return True
    return form == "one_hot" and ("multi_hot" in takes or "distributions" in takes)
