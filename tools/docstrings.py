"""Make a docstring Markdown: examples become code (``>>>`` would be a quotation), roles names."""

import re
from typing import final

from griffe import Extension, Object


def fenced(text: str) -> str:
    """The text with a code fence around each run of lines that starts with ``>>>``."""
    lines: list[str] = []
    indent: str | None = None  # that of the example we are in
    for line in [*text.split("\n"), ""]:
        if indent is None and line.lstrip().startswith(">>>"):
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}```pycon")
        elif indent is not None and not line.strip():
            lines.append(f"{indent}```")
            indent = None
        lines.append(line)
    return "\n".join(lines[:-1])


def as_markdown(text: str) -> str:
    """The docstring with fenced examples, and Sphinx's roles reduced to the names they mark."""
    return fenced(re.sub(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`", r"`\1`", text))


@final
class Markdown(Extension):
    """Does so for every docstring that mkdocstrings reads."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        """Called with each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
