"""Write paths and names into commands that users may copy: a shell must read them as one word, and do nothing else."""

from __future__ import annotations

import os
import shlex


def shell_word(text: object) -> str:
    """A text as one word of a POSIX shell: quoted if need be, and in bash's form of escapes if it is not printable."""
    word = str(text)
    if word.startswith("-"):
        word = f"./{word}"  # or it would be an option
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, os.fsencode(word))) + "'"


def _escaped(byte: int) -> str:
    character = chr(byte)
    return character if " " <= character <= "~" and character not in "\\'" else f"\\x{byte:02x}"
