"""The cost of a regular expression: Python's engine tries every way to match, which some patterns have without end.

A repetition of something that itself has a choice, such as ``(a+)+`` or ``(a|aa)*``, has exponentially many ways to
match a text that it does not match in the end; it is refused. Repetitions that follow each other, such as ``.*.*``,
have polynomially many: n of them divide a text of length m in (m + n choose n) ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache, reduce
from importlib import import_module
from operator import or_
from typing import Any, NamedTuple

_parser: Any = import_module("re._parser")  # no public module parses patterns
_constants: Any = import_module("re._constants")

_ALL = (1 << 129) - 1
"""A set of characters: a bit for each of ASCII, and one for all others."""

_OTHERS = 1 << 128
_UPPER = ((1 << 26) - 1) << ord("A")

_MANY = 10
"""A repetition of up to fewer copies counts as so many parts."""

_LONGEST = 10_000
"""The maximum length of a pattern."""

_CLASSES: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdigit,
    "SPACE": str.isspace,
    "WORD": lambda character: character.isalnum() or character == "_",
}


class _Part(NamedTuple):
    """A single character of a pattern, or a repetition: the characters that it may match."""

    chars: int
    repeats: bool = False
    needed: bool = True
    """False if it may be left out."""


def refusal(pattern: str) -> str:
    """The reason why a pattern, which compiles, is refused as too costly; empty if it is not."""
    if len(pattern) > _LONGEST:
        return f"it has {len(pattern):,} characters, and at most {_LONGEST:,} are matched"
    if _is_ambiguous(_parser.parse(pattern)):
        return "it repeats a group that matches the same text in several ways, which may take for ever"
    return ""


class _Chain(NamedTuple):
    """Repetitions of a pattern that compete for the same characters of a text."""

    repetitions: int = 0
    written: int = 1
    """The lengths of the literal texts between them, multiplied: what they leave to choose is so much less."""


@lru_cache(maxsize=20_000)
def _longest_chain(pattern: str) -> tuple[_Chain, int]:
    """The longest chain of repetitions that compete, and the number of alternatives."""
    parts = list(_flat(_parser.parse(pattern)))
    chains: dict[int, _Chain] = {}
    for place in (place for place, part in enumerate(parts) if part.repeats):
        longer = [
            _Chain(before.repetitions + 1, before.written * _literals(parts[other + 1 : place]))
            for other, before in chains.items()
            if _compete(parts[other : place + 1])
        ]
        chains[place] = max(longer, default=_Chain(1), key=lambda chain: (chain.repetitions, -chain.written))
    longest = max(chains.values(), default=_Chain(), key=lambda chain: (chain.repetitions, -chain.written))
    return longest, 1 + pattern.count("|")


def cost(pattern: str, length: int, *, anywhere: bool = False) -> float:
    """About how many steps it takes to find that a name of this length does not match, or not ``anywhere`` in it."""
    (repetitions, written), alternatives = _longest_chain(pattern)
    choices = min(repetitions + anywhere, 40)
    ways = float(math.comb(length + choices, choices))
    return alternatives * max(length + 1, ways / written)


def _compete(parts: Sequence[_Part]) -> bool:
    """True if the first and the last of these parts can divide a text between them in several ways."""
    first, *between, last = parts
    both = first.chars & last.chars
    return bool(both) and all(part.chars & both for part in between if part.needed)


def _literals(parts: Sequence[_Part]) -> int:
    """The number of single characters among these parts that match one letter alone, at least 1."""
    return max(1, sum(part.needed and not part.repeats and part.chars.bit_count() <= 2 for part in parts))


def _is_ambiguous(sequence: Any) -> bool:
    """True if a repetition in a parsed pattern repeats something that it can match in several ways."""
    for operator, argument in sequence:
        if operator in _REPEATS:
            _, most, body = argument
            first, may_be_empty = _beginning(body)
            if most >= _MANY and (may_be_empty or not _is_determined(body, first)):
                return True
        if any(map(_is_ambiguous, _inner(operator, argument))):
            return True
    return False


def _is_determined(sequence: Any, following: int) -> bool:
    """True if the next character always tells how a parsed pattern goes on; ``following`` are those after its end."""
    items = list(sequence)
    for place, (operator, argument) in enumerate(items):
        first, may_be_empty = _beginning(items[place + 1 :])
        after = first | (following if may_be_empty else 0)
        if operator in _REPEATS:
            least, most, body = argument
            begins, nothing = _beginning(body)
            again = after | (begins if most > 1 else 0)
            if nothing or (least != most and begins & after) or not _is_determined(body, again):
                return False
        elif operator is _constants.BRANCH:
            firsts = [begins | (after if nothing else 0) for begins, nothing in map(_beginning, argument[1])]
            if sum(each.bit_count() for each in firsts) != _union(firsts).bit_count():
                return False
        if operator not in _REPEATS and not all(_is_determined(each, after) for each in _inner(operator, argument)):
            return False
    return True


def _beginning(sequence: Any) -> tuple[int, bool]:
    """The characters that a parsed pattern may begin with, and whether it matches the empty text."""
    found = 0
    for operator, argument in sequence:
        if (chars := _characters(operator, argument)) is not None:
            return found | chars, False
        if operator in (_constants.AT, _constants.ASSERT, _constants.ASSERT_NOT):
            continue
        inner = [_beginning(each) for each in _inner(operator, argument)]
        found |= _union(begins for begins, _ in inner) if inner else _ALL
        least = argument[0] if operator in _REPEATS else 1
        if inner and least and not any(nothing for _, nothing in inner):
            return found, False
    return found, True


def _all_characters(sequence: Any) -> int:
    """The characters that a text matched by a parsed pattern may contain."""
    found = 0
    for operator, argument in sequence:
        chars = _characters(operator, argument)
        inner = _inner(operator, argument)
        if chars is None and not inner and operator is not _constants.AT:
            return _ALL
        found |= (chars or 0) | _union(map(_all_characters, inner))
    return found


def _flat(sequence: Any, *, needed: bool = True) -> Iterator[_Part]:
    """The single characters and repetitions of a parsed sequence in their order, with those inside of groups."""
    for operator, argument in sequence:
        if operator in _REPEATS:
            least, most, body = argument
            if most >= _MANY:
                yield _Part(_all_characters(body), repeats=True)
            else:
                for _ in range(max(1, most)):
                    yield from _flat(body, needed=needed and least > 0)
        elif (chars := _characters(operator, argument)) is not None:
            yield _Part(chars, needed=needed)
        else:
            single = operator is _constants.SUBPATTERN
            for inner in _inner(operator, argument):
                yield from _flat(inner, needed=needed and single)


_REPEATS = tuple(
    getattr(_constants, name) for name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") if hasattr(_constants, name)
)


def _inner(operator: Any, argument: Any) -> list[Any]:
    """The parsed patterns inside of an operation."""
    if operator in _REPEATS:
        return [argument[2]]
    if operator is _constants.SUBPATTERN:
        return [argument[3]]
    if operator is _constants.BRANCH:
        return list(argument[1])
    if operator in (_constants.ASSERT, _constants.ASSERT_NOT):
        return [argument[1]]
    if operator is _constants.GROUPREF_EXISTS:
        return [each for each in argument[1:] if each is not None]
    return [argument] if isinstance(argument, _parser.SubPattern) else []


def _characters(operator: Any, argument: Any) -> int | None:
    """The characters that an operation matches one of; None if it is no single character."""
    if operator is _constants.LITERAL:
        return _folded(_bit(argument))
    if operator is _constants.NOT_LITERAL:
        return _ALL & ~_bit(argument) | _OTHERS
    if operator is _constants.ANY:
        return _ALL
    if operator is not _constants.IN:
        return None
    found = _union(_choice(kind, value) for kind, value in argument)
    negated = bool(argument) and argument[0][0] is _constants.NEGATE
    return _ALL & ~found | _OTHERS if negated else _folded(found)


def _choice(kind: Any, value: Any) -> int:
    """The characters of one part of a set in brackets."""
    if kind is _constants.LITERAL:
        return _bit(value)
    if kind is _constants.RANGE:
        return _union(map(_bit, range(min(value[0], 128), min(value[1], 128) + 1)))
    return _category(str(value)) if kind is _constants.CATEGORY else 0


@cache
def _category(name: str) -> int:
    """The characters of a class such as ``\\d``; all others than those of ASCII are in each."""
    matches = next((test for word, test in _CLASSES.items() if name.endswith(word)), None)
    if matches is None:
        return _ALL
    found = _union(_bit(code) for code in range(128) if matches(chr(code)))
    return (_ALL & ~found if "_NOT_" in name else found) | _OTHERS


def _bit(code: int) -> int:
    return 1 << min(code, 128)


def _folded(chars: int) -> int:
    """The characters with those of the other case, which a flag may include."""
    return chars | (chars & _UPPER) << 32 | (chars & _UPPER << 32) >> 32


def _union(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)
