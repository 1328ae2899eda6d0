"""Definitions copied out of our own source, each with all that it needs: no second version of it.

>>> imports, definitions = copies([parse_number])
>>> imports, definitions[0].splitlines()[0]
(['import math'], 'def parse_number(text: str, decimal: str = ".") -> float | None:')
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from steepest.data.table import parse_number as parse_number

_OURS = "steepest."


@final
@dataclass
class _Module:
    """The source of a module, by what its top level defines and imports."""

    name: str
    lines: list[str]
    defined: dict[str, ast.stmt] = field(default_factory=dict[str, ast.stmt])
    imported: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def text(self, name: str) -> str:
        """A definition as it is written, decorators and comments behind it included."""
        statement = self.defined[name]
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(each.lineno for each in decorators)])
        return "\n".join(self.lines[first - 1 : statement.end_lineno])


def copies(
    roots: Iterable[Callable[..., Any]], given: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """Definitions with all that they need: the imports of theirs, and their texts in order.

    Args:
        roots: functions and classes at the top level of modules of ours.
        given: names that need not be defined.
    """
    known = set(given)
    modules: dict[str, _Module] = {}
    wanted: dict[tuple[str, str], None] = {}
    imports: set[str] = set()

    def take(module: str, name: str) -> None:
        if name in known or (module, name) in wanted:
            return
        if module not in modules:
            modules[module] = _read(module)
        source = modules[module]
        if name in source.imported:
            origin, original = source.imported[name]
            if origin.startswith(_OURS):
                take(origin, original)
            else:
                imports.add(_import(origin, original, name))
            return
        if name not in source.defined:
            return  # of Python itself, or a name of the function's own
        wanted[(module, name)] = None
        for each in _names(source.defined[name]):
            take(module, each)

    for root in roots:
        take(root.__module__, root.__name__)
    ranks = _ranks(modules)
    names = [name for _, name in wanted]
    if twice := {name for name in names if names.count(name) > 1}:
        raise AssertionError(f"several modules define {', '.join(sorted(twice))}: rename one")
    order = sorted(wanted, key=lambda key: (ranks[key[0]], _line(key, modules)))
    return sorted(imports), [modules[module].text(name) for module, name in order]


def _read(name: str) -> _Module:
    path = importlib.import_module(name).__file__
    assert path is not None, "our modules are files"
    text = Path(path).read_text(encoding="utf-8")
    found = _Module(name, text.splitlines())
    for statement in ast.parse(text).body:
        match statement:
            case ast.FunctionDef(name=defined) | ast.ClassDef(name=defined):
                found.defined[defined] = statement
            case (
                ast.Assign(targets=[ast.Name(id=defined)])
                | ast.AnnAssign(target=ast.Name(id=defined))
            ):
                found.defined[defined] = statement
            case ast.Import(names=names):
                found.imported |= {each.asname or each.name: (each.name, "") for each in names}
            case ast.ImportFrom(module=str(module), names=names):
                found.imported |= {each.asname or each.name: (module, each.name) for each in names}
            case _:
                pass
    return found


def _names(statement: ast.stmt) -> Iterator[str]:
    """Names that a definition uses, in the order of the text."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
            yield node.id


def _import(module: str, name: str, alias: str) -> str:
    if not name:
        return f"import {module}" if alias == module else f"import {module} as {alias}"
    return f"from {module} import {name}" + ("" if alias == name else f" as {alias}")


def _ranks(modules: dict[str, _Module]) -> dict[str, int]:
    """The order of modules: what others import stands before them."""
    ranks: dict[str, int] = {}

    def place(name: str) -> None:
        if name in ranks:
            return
        for origin, _ in modules[name].imported.values():
            if origin in modules and origin != name:
                place(origin)
        ranks[name] = len(ranks)

    for name in sorted(modules):
        place(name)
    return ranks


def _line(key: tuple[str, str], modules: dict[str, _Module]) -> int:
    return modules[key[0]].defined[key[1]].lineno


def standard(imports: Iterable[str]) -> tuple[list[str], list[str]]:
    """Imports as a file has them: of Python itself, of others; from one module in one line."""
    plain = sorted(each for each in imports if each.startswith("import "))
    named: dict[str, list[str]] = {}
    for each in imports:
        if each.startswith("from "):
            module, _, name = each.removeprefix("from ").partition(" import ")
            named.setdefault(module, []).append(name)
    lines = plain + [
        f"from {module} import {', '.join(sorted(named[module], key=_isort))}"
        for module in sorted(named)
    ]
    own = [each for each in lines if each.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return own, [each for each in lines if each not in own]


def _isort(name: str) -> tuple[bool, str]:
    """Classes before functions."""
    return name[0].islower(), name
