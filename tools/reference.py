"""Write docs/reference/: a page for each public namespace, from the names in its ``__all__``.

Nothing is listed by hand: a name added to ``steepest`` or to one of its public rooms gets its
entry.
"""

import importlib
import inspect
import pkgutil
import shutil
from pathlib import Path
from types import ModuleType

import steepest

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def namespaces() -> list[ModuleType]:
    """``steepest`` first, then each of its public modules that states what it offers."""
    found = [steepest]
    offered = set(getattr(steepest, "__all__", ()))
    for info in pkgutil.iter_modules(steepest.__path__, "steepest."):
        if info.name.rpartition(".")[2] in offered:
            module = importlib.import_module(info.name)
            found += [module] if hasattr(module, "__all__") else []
    return found


def names(module: ModuleType) -> list[str]:
    """The public names of a namespace that are not namespaces themselves."""
    public = [name for name in module.__all__ if not name.startswith("_")]
    return [name for name in public if not isinstance(getattr(module, name), ModuleType)]


def summary(value: object) -> str:
    """The first sentence of what it says about itself, fit for a cell of a table."""
    documented = value if callable(value) or isinstance(value, ModuleType) else type(value)
    first = (inspect.getdoc(documented) or "").partition("\n\n")[0]
    return " ".join(first.split()).replace("|", "\\|")


def page(module: ModuleType) -> str:
    """The page of one namespace."""
    entries = [f"::: {module.__name__}.{name}\n" for name in names(module)]
    return "\n".join([f"# {module.__name__}\n", f"{inspect.getdoc(module) or ''}\n", *entries])


def index(modules: list[ModuleType]) -> str:
    """The page that lists every public name with its first sentence."""
    lines = ["# Reference", "", "Every public name, with its first sentence."]
    for module in modules:
        target = f"{module.__name__}.md"
        lines += ["", f"## [{module.__name__}]({target})", "", summary(module), ""]
        lines += ["| name | what it is |", "|---|---|"]
        for name in names(module):
            link = f"{target}#{module.__name__}.{name}"
            lines.append(f"| [`{name}`]({link}) | {summary(getattr(module, name))} |")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write the pages into a folder that holds nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = namespaces()
    (folder / "index.md").write_text(index(modules), encoding="utf-8")
    for module in modules:
        (folder / f"{module.__name__}.md").write_text(page(module), encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
