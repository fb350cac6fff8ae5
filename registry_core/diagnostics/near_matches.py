"""Near matches: the known words that a misspelt word was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_SHOWN = 16
"""At most this many known words are listed."""


class Suggestion(NamedTuple):
    """Known words for an unknown one; its text is the remedy: ``Did you mean 'x'?``, or a list of the known words."""

    likely: tuple[str, ...] = ()
    """The one or two words that were probably meant; empty if none is similar."""
    known: tuple[str, ...] = ()
    """All known words, sorted."""

    def __str__(self) -> str:
        if self.likely:
            return f"Did you mean {' or '.join(map(repr, self.likely))}?"
        if not self.known:
            return ""
        return f"Available: {', '.join(self.known[:_SHOWN])}{', …' if len(self.known) > _SHOWN else ''}."


def suggest(word: str, words: Iterable[str]) -> Suggestion:
    """Suggest known ``words`` for an unknown word."""
    known = tuple(sorted(words))
    return Suggestion(tuple(closest(word, known)), known)


def near(word: str, words: Iterable[str]) -> str:
    """The suggestion for an unknown word as text, for display; code that depends on the result calls ``suggest``."""
    return str(suggest(word, words))


def closest(word: str, words: Iterable[str]) -> list[str]:
    """The one or two words that are most similar to a misspelt one; empty if none is similar."""
    known = sorted(words)
    folded = {_folded(name): name for name in reversed(known)}
    sought = _folded(word)
    if exact := folded.get(sought):
        return [exact]
    if len(sought) >= _TELLING and (longer := [name for name in known if _folded(name).startswith(sought)]):
        return sorted(longer, key=len)[:2]
    if similar := _similar(sought, folded):
        return similar
    return _parts(word, folded)


def best(word: str, words: Iterable[str]) -> str:
    """The most similar known word; empty if there is none, or if another one is as similar."""
    found = closest(word, words)
    if len(found) < 2:
        return "".join(found)
    from difflib import SequenceMatcher

    nearness = [SequenceMatcher(None, _folded(word), _folded(each)).ratio() for each in found]
    return found[0] if nearness[0] > nearness[1] else ""


_TELLING = 3
"""Minimum number of letters by which a word is recognised from its beginning."""

_TELLING_END = 5
"""Minimum number of letters by which a word is recognised from its end."""

_SIMILAR = 0.65
"""Minimum similarity of two words, from 0 to 1; words with the same ending may be less similar."""


def _similar(sought: str, folded: dict[str, str]) -> list[str]:
    import difflib

    found = difflib.get_close_matches(sought, folded, n=2, cutoff=_SIMILAR)
    if len(sought) <= _TELLING:  # short words are similar by chance unless they have the same letters
        found = [name for name in found if len(name) != len(sought) or sorted(name) == sorted(sought)]
    return [folded[name] for name in found]


def _parts(word: str, folded: dict[str, str]) -> list[str]:
    """The longest word that a word begins or ends with (``CrossEntropyLoss``), or its initials (``learning_rate``)."""
    sought = _folded(word)
    begins = [name for name in folded if len(name) >= _TELLING and sought.startswith(name)]
    ends = [name for name in folded if min(len(name), len(sought)) >= _TELLING_END]
    ends = [name for name in ends if sought.endswith(name) or name.endswith(sought)]
    first = word.partition("_")[0].lower()
    found = begins or ([first] if len(first) > 1 and first in folded else []) or ends
    if not found:
        initials = "".join(part[0] for part in word.lower().split("_") if part)
        found = [initials] if len(initials) > 1 and initials in folded else []
    return [folded[name] for name in sorted(found, key=len)[-1:]]


def _folded(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
