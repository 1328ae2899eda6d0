"""Write docs/methods.md: every row of the textbook with what stands for it and what shows it.

Three sources are joined: tools/rows.toml says what the rows are, the registries of ``steepest`` say
what stands for them (formula and source are taken from the definition), and the tests say with
``pytest.mark.row`` what they show.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import steepest
from steepest.methods import CAPABILITIES, Method, Registry

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "methods.md"
_MARK = "pytest.mark.row"
_FORMULA = re.compile(r"[←=≤√Σ∂∇−]")
_INTRODUCTION = """\
# Methods

What the textbook has, row by row: where it is in Python and on the command line, by which formula,
from which source, and which tests show it. *Textbook* means three lectures: **L1**, *CSC 580,
Neural networks* (C. Zhang); **L2**, *Lecture 6, training*; **L3**, *AOS 2, Training neural
networks* (S. Rousseau). *Peers* are other libraries. How our words differ from theirs is in
[Conventions](conventions.md).

This page is written by `tools/methods.py` (part of `make docs`) from the definitions and the tests.
"""


@dataclass(frozen=True)
class Row:
    """A row of tools/rows.toml."""

    name: str
    section: str
    what: str
    source: str
    note: str
    later: str


@dataclass(frozen=True)
class Entry:
    """A method with the registry that knows it, and how Python code names it."""

    registry: Registry[Any]
    method: Method[Any]
    public: str | None

    @property
    def words(self) -> set[str]:
        """What a test would call it."""
        own = getattr(self.method.value, "__name__", self.method.name)
        return {own} if self.registry is CAPABILITIES else {self.method.name, own}


def rows() -> list[Row]:
    """All rows, in the order of the file."""
    sections = tomllib.loads((ROOT / "tools" / "rows.toml").read_text(encoding="utf-8"))
    return [
        Row(name, section, row["what"], row["source"], row.get("note", ""), row.get("later", ""))
        for section, held in sections.items()
        for name, row in held.items()
    ]


def modules() -> list[ModuleType]:
    """Every module of the package that can be loaded without starting the command."""
    found = pkgutil.walk_packages(steepest.__path__, "steepest.")
    return [importlib.import_module(each.name) for each in found if "__main__" not in each.name]


def registries() -> dict[str, Registry[Any]]:
    """Every registry, by the name of the variable that holds it."""
    return {
        name: value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, Registry)
    }


def public_names() -> dict[int, str]:
    """How users write each public value: ``st.optim.Adam``; the shortest way there is."""
    named: dict[int, str] = {}
    for prefix, module in _namespaces("st", steepest, set()):
        stated: list[str] = getattr(module, "__all__", None) or dir(module)
        for name in stated:
            if not name.startswith("_"):
                named.setdefault(id(getattr(module, name)), f"{prefix}.{name}")
    return named


def _namespaces(
    prefix: str, module: ModuleType, seen: set[str]
) -> Iterator[tuple[str, ModuleType]]:
    """A module and the public modules in it, the outer ones first."""
    seen.add(module.__name__)
    yield prefix, module
    stated: list[str] = getattr(module, "__all__", None) or dir(module)
    for name in stated:
        value = getattr(module, name)
        if not isinstance(value, ModuleType) or not hasattr(value, "__all__"):
            continue
        if not name.startswith("_") and value.__name__ not in seen:
            yield from _namespaces(f"{prefix}.{name}", value, seen)


def entries() -> list[Entry]:
    """Every registered method, once for each registry."""
    known = registries()
    public = public_names()
    return [
        Entry(registry, method, public.get(id(method.value)) or registry.place or None)
        for registry in known.values()
        if registry.in_textbook
        for method in registry.methods
    ]


# -------------------------------------------------------------------------- formula and source


def formula(value: object) -> str:
    """What it does: the first paragraph of its documentation, and the second if it is a formula."""
    stated = getattr(value, "formula", None) or getattr(value, "summary", None)
    if isinstance(stated, str):
        return stated
    paragraphs = (inspect.getdoc(value) or "").split("\n\n")
    second = paragraphs[1] if len(paragraphs) > 1 else ""
    is_section = re.match(r"(Args|Attributes|Raises|Returns|Shapes|Source|>>>)", second)
    taken = (
        paragraphs[:2] if second and _FORMULA.search(second) and not is_section else paragraphs[:1]
    )
    return _in_one_line(" ".join(taken))


def source(value: object) -> str:
    """Where it was proposed."""
    stated = getattr(value, "source", None)
    if isinstance(stated, str):
        return stated
    found = re.search(r"Source: (.*?)(?:\n\n|\Z)", inspect.getdoc(value) or "", re.DOTALL)
    return _in_one_line(found[1]).rstrip(".") if found else ""


def _in_one_line(text: str) -> str:
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text)
    return " ".join(text.replace("``", "`").split())


# -------------------------------------------------------------------------------------- tests


def tests() -> dict[str, list[Path]]:
    """The files that hold a test of each row."""
    shown: dict[str, list[Path]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        nodes = ast.walk(ast.parse(text)) if _MARK in text else ()
        for name in sorted({name for node in nodes for name in _marked(node)}):
            shown.setdefault(name, []).append(path)
    return shown


def _marked(node: ast.AST) -> Iterator[str]:
    """The rows in a call of ``pytest.mark.row``."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == _MARK:
        for each in node.args:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


# --------------------------------------------------------------------------------------- page


def page() -> str:
    """The whole page."""
    found, shown = entries(), tests()
    lines = [_INTRODUCTION]
    section = ""
    for row in rows():
        if row.section != section:
            section = row.section
            lines.append(f"## {section}\n")
        lines.append(_row(row, [each for each in found if row.name in each.method.rows], shown))
    return "\n".join(lines)


def _row(row: Row, found: list[Entry], shown: dict[str, list[Path]]) -> str:
    lines = [f"### {row.name}. {row.what}\n", f"*{row.source}.* {row.note}".rstrip() + "\n"]
    if row.later:
        return "\n".join([*lines, f"Not yet: {row.later}\n"])
    if found:
        lines += ["| Python | command | what it does | source |", "|---|---|---|---|"]
        for each in sorted(found, key=lambda each: each.public or ""):
            value = each.method.value
            option = f"`{each.method.option}`" if each.method.option else ""
            name = f"`{each.public}`" if each.public else ""
            cells = [name, option, formula(value), source(value)]
            lines.append("| " + " | ".join(_cell(text) for text in cells) + " |")
        lines.append("")
    files = ", ".join(f"`{path.relative_to(ROOT).as_posix()}`" for path in shown.get(row.name, []))
    return "\n".join([*lines, f"Tests: {files}\n"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
