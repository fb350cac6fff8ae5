"""Write docs/mistakes.md: what every code of a mistake means, from the texts that `registry-core explain` prints.

python docs/make_mistakes.py            write the page
python docs/make_mistakes.py --check    fail if it is not what the texts say
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from registry_core.diagnostics.explanations import Example, Explanation, by_theme

PAGE = Path(__file__).parent / "mistakes.md"

INTRODUCTION = """\
# Mistakes, and what they mean

Behind every problem that `registry-core validate` finds stands a code in brackets. Here is what each means;
`registry-core explain CODE` prints the same. Made by `python docs/make_mistakes.py`; tests run all examples.

An example is laid over [`examples/digits.yaml`](../examples/digits.yaml), as if it had `extends`, unless it is a whole
file or a command. The wrong one has just this one mistake, the right one none. What is found by `registry-core validate
--deep` alone says so.
"""


def lines() -> Iterator[str]:
    """The page as Markdown."""
    yield INTRODUCTION
    for theme, explained in by_theme().items():
        links = ", ".join(f"[{each.code}](#{each.code})" for each in explained)
        yield f"- **[{theme}](#{_anchor(theme)})**: {links}"
    for theme, explained in by_theme().items():
        yield f"\n## {theme}"
        for each in explained:
            yield from _section(each)


def _section(explained: Explanation) -> Iterator[str]:
    yield f"\n### {explained.code}\n\n**{explained.title}.**\n\n{explained.text}"
    for heading, examples in (("Wrong", explained.wrong), ("Right", explained.right)):
        yield f"\n{heading}:"
        for example in examples:
            yield f"\n{_fenced(example)}"
    if explained.see_also:
        yield f"\nSee also: {', '.join(f'[{link.text}]({link.target})' for link in explained.see_also)}"


def _fenced(example: Example) -> str:
    language = "console" if example.form == "console" else "yaml"
    return f"```{language}\n{example.as_shown}```"


def _anchor(heading: str) -> str:
    return heading.lower().replace(",", "").replace(" ", "-")


def main() -> None:
    """Write the page, or hold it against what it should be."""
    text = "\n".join(lines()) + "\n"
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or text != PAGE.read_text(encoding="utf-8"):
        raise SystemExit("docs/mistakes.md is not what the explanations say: run docs/make_mistakes.py")


if __name__ == "__main__":
    main()
