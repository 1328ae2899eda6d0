"""Write docs/reference/: a page for each public namespace, from the names in its ``__all__``.

Nothing is listed by hand: a name added to ``steepest`` or to one of its public rooms gets its
entry.
"""

import importlib
import inspect
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType

from docstrings import as_markdown

import steepest
from steepest.ir.op import Op

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


@dataclass(frozen=True)
class Entry:
    """A public name: where it is offered, and what it stands for."""

    module: ModuleType
    name: str

    @property
    def value(self) -> object:
        """What the name stands for."""
        return getattr(self.module, self.name)

    @property
    def origin(self) -> str | None:
        """The dotted place of its ``def`` or ``class``; None for what was made when it ran."""
        if not isinstance(self.value, FunctionType | type):
            return None
        place = self.value.__module__, self.value.__qualname__
        known = vars(importlib.import_module(place[0])).get(place[1]) is self.value
        return ".".join(place) if known and written(self.value) else None

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return self.origin or f"{title(self.module)}.{self.name}"

    @property
    def documentation(self) -> str:
        """What it says about itself."""
        if is_alias(self.value):
            return f"The type `{self.value}`."
        if callable(self.value):
            return inspect.getdoc(self.value) or ""
        return f"The {type(self.value).__name__} `{self.value!r}`."

    def page(self) -> str:
        """Its entry on the page of its namespace."""
        if self.origin:
            return f"::: {self.origin}\n"
        signature = f"{self.name}{parameters(self.value)}"
        heading = f"## `{self.name}` {{#{self.anchor}}}"
        return f"{heading}\n\n```python\n{signature}\n```\n\n{as_markdown(self.documentation)}\n"


def parameters(value: object) -> str:
    """What a callable takes, in parentheses; an op takes what its rules of meaning name."""
    if isinstance(value, Op):
        inputs = ("x",) if len(value.cases[0].inputs) == 1 else ("x", "y", "z")
        named = inputs[: len(value.cases[0].inputs)] if len(value.cases[0].inputs) <= 3 else ("*x",)
        attributes = {key: None for case in value.cases for key in case.attributes}
        return f"({', '.join([*named, *(['*'] if attributes else []), *attributes])})"
    return str(inspect.signature(value)) if callable(value) and not is_alias(value) else ""


def is_alias(value: object) -> bool:
    """Whether it is a type as annotations write it, like ``int | str`` or a Literal."""
    return type(value).__module__ in {"typing", "types"} and not inspect.isroutine(value)


def written(value: FunctionType | type) -> bool:
    """Whether its source file holds a ``def`` or ``class`` of this name."""
    try:
        source = inspect.getsource(value)
    except (OSError, TypeError):
        return False
    return f"def {value.__name__}(" in source or f"class {value.__name__}" in source


def names(module: ModuleType) -> list[str]:
    """The public names: those a module states in ``__all__``, for ``steepest`` all it has."""
    stated: list[str] = getattr(module, "__all__", None) or dir(module)
    return [name for name in stated if not name.startswith("_")]


def namespaces() -> list[ModuleType]:
    """``steepest`` first, then each module it offers that states in ``__all__`` what it holds."""
    offered = [getattr(steepest, name) for name in names(steepest)]
    modules = [value for value in offered if isinstance(value, ModuleType)]
    return [steepest, *(module for module in modules if hasattr(module, "__all__"))]


def title(module: ModuleType) -> str:
    """What users call it: ``steepest.random``, wherever its file may be."""
    public = [name for name in names(steepest) if getattr(steepest, name) is module]
    return f"steepest.{public[0]}" if public else module.__name__


def entries(module: ModuleType) -> list[Entry]:
    """The public names of a namespace that are not namespaces themselves."""
    public = [Entry(module, name) for name in names(module)]
    return [entry for entry in public if not isinstance(entry.value, ModuleType)]


def homes(modules: list[ModuleType]) -> dict[int, Entry]:
    """Each public value once, on the page of the room that offers it rather than ``steepest``'s."""
    return {id(entry.value): entry for module in modules for entry in entries(module)}


def first_sentence(text: str) -> str:
    """The first paragraph, fit for a cell of a table."""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def page(module: ModuleType, shown: dict[int, Entry]) -> str:
    """The page of one namespace."""
    here = [entry.page() for entry in entries(module) if shown[id(entry.value)] == entry]
    about = as_markdown(inspect.getdoc(module) or "")
    return "\n".join([f"# {title(module)}\n", f"{about}\n", *here])


def index(modules: list[ModuleType], shown: dict[int, Entry]) -> str:
    """The page that lists every public name with its first sentence."""
    lines = ["# Reference", "", "Every public name, with its first sentence."]
    for module in modules:
        lines += ["", f"## [{title(module)}]({title(module)}.md)", ""]
        lines += [first_sentence(inspect.getdoc(module) or ""), ""]
        lines += ["| name | what it is |", "|---|---|"]
        for entry in entries(module):
            home = shown[id(entry.value)]
            link = f"{title(home.module)}.md#{home.anchor}"
            lines.append(f"| [`{entry.name}`]({link}) | {first_sentence(entry.documentation)} |")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write the pages into a folder that holds nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = namespaces()
    shown = homes(modules)
    (folder / "index.md").write_text(index(modules, shown), encoding="utf-8")
    for module in modules:
        text = page(module, shown)
        (folder / f"{title(module)}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
