"""Typography of messages: turn a text into a sentence, and an exception into a part of one.

Only this module changes the characters of a text from elsewhere, and nothing depends on its content.
"""

from __future__ import annotations

_LONGEST = 400
"""At most this many characters of an exception's text are shown: some libraries write pages."""


def as_sentence(text: str) -> str:
    """The text with a capital letter, unless it begins with a name such as ``num_groups`` or ``p``, and a full stop."""
    text = text.strip()
    first = text.partition(" ")[0]
    is_name = "_" in first or len(first) == 1
    stop = "" if text.endswith((".", "?", "!")) else "."
    return f"{text if is_name else text[:1].upper() + text[1:]}{stop}"


def as_clause(text: str) -> str:
    """The text as the end of a sentence: on one line, with a lower-case first letter and without a full stop."""
    line = on_one_line(text).rstrip(".")
    return line[:1].lower() + line[1:]


def on_one_line(text: str) -> str:
    """The text with every run of whitespace replaced by one space."""
    return " ".join(text.split())


def describe_error(error: BaseException) -> str:
    """The type and the text of an exception, as a part of a sentence: ``ModuleNotFoundError: No module named 'x'``."""
    text = on_one_line(text_of(error)).rstrip(".")
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    name = type.__getattribute__(type(error), "__name__")  # not what its metaclass says
    return f"{name}: {text}" if text else name


def text_of(error: BaseException) -> str:
    """The text of an exception, which its class may compute; what that raises instead, if it fails."""
    try:
        return str(error)
    except BaseException as failed:  # the code of a plugin
        return f"its text cannot be shown ({type.__getattribute__(type(failed), '__name__')})"
