"""The rules of the house that no other tool checks: size, names, imports, documentation."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import steepest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "steepest"
FILES = sorted(SOURCE.rglob("*.py"))
FILE_LINES = 450
FUNCTION_LINES = 60
DRAWERS = {"utils", "util", "helpers", "common", "base", "misc", "core"}
HEAVY = [
    *("sklearn", "scipy", "duckdb", "pandas", "matplotlib", "llvmlite", "typer", "rich"),
    *("optuna", "tensorboard", "python_calamine"),
]

# What each room may import besides Python itself and the floors below it. A room that is not
# listed may import NumPy only.
THIRD_PARTY = {
    "data": {
        "numpy",
        "msgspec",
        "duckdb",
        "narwhals",
        "sklearn",
        "safetensors",
        "PIL",
        "python_calamine",
    },
    "bench": {"numpy", "msgspec", "sklearn", "threadpoolctl"},
    "report": {"numpy", "matplotlib"},
    "runtime": {"numpy", "llvmlite"},
    "estimators": {"numpy", "msgspec", "narwhals", "sklearn"},
    "images": {"numpy", "msgspec"},
    "tabular": {"numpy", "msgspec", "tomli_w", "threadpoolctl", "sklearn"},
    "cli": {"numpy", "typer", "rich", "msgspec"},
}


# Libraries of an extra, such as steepest[search]: imported in these rooms only, and there inside a
# `with extra(...)` block, which tells those who lack it how to get it.
EXTRAS = {
    "onnx": {"onnx": {"export"}},
    "search": {"optuna": {"tabular"}},
    "tensorboard": {"tensorboard": {"train", "report"}},
}

DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "tomli_w": "tomli-w",
    "python_calamine": "python-calamine",
}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


ROOMS = {room_of(path) for path in FILES} - {"__init__", "__main__"}


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import of a file, also the ones inside functions, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, node.module


def guarded_imports(tree: ast.AST, room: str) -> Iterator[tuple[int, str]]:
    """Imports of an extra's library where it belongs: in `with extra("name"):`, or for types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            opened = ast.unparse(node.items[0].context_expr)
            named = [name for name in EXTRAS if opened == f"extra('{name}')"]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            named = [*EXTRAS]
        else:
            continue
        for line, module in imports(ast.Module(node.body, [])):
            package = module.partition(".")[0]
            if any(room in EXTRAS[name].get(package, ()) for name in named):
                yield line, module


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


# One test looks at all files: a test for each would cost more than what it looks at.
TEXTS = {path: path.read_text(encoding="utf-8") for path in FILES}


def long_functions(tree: ast.Module, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = first.end_lineno if documented and first.end_lineno else node.lineno
            lines = (node.end_lineno or start) - start
            if lines > FUNCTION_LINES:
                yield f"{name_of(path)}:{node.lineno} {node.name}: {lines}"


def foreign_imports(tree: ast.Module, path: Path) -> Iterator[str]:
    allowed = THIRD_PARTY.get(room_of(path), {"numpy"}) | sys.stdlib_module_names | {"steepest"}
    found = {each for each in imports(tree) if each[1].partition(".")[0] not in allowed}
    for line, module in found - set(guarded_imports(tree, room_of(path)) if found else ()):
        yield f"{name_of(path)}:{line} imports {module}"


def imports_of_the_front_door(tree: ast.Module, path: Path) -> Iterator[str]:
    # `import steepest` inside the house would go round the floors: import-linter judges rooms.
    allowed = ROOMS | {"__version__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            is_fine = all(alias.name != "steepest" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "steepest":
            is_fine = {alias.name for alias in node.names} <= allowed
        else:
            continue
        if not is_fine:
            yield f"{name_of(path)}:{node.lineno}: import the room, or from it"


RULES = (long_functions, foreign_imports, imports_of_the_front_door)


@pytest.fixture(scope="module")
def broken() -> dict[str, list[str]]:
    """Where each rule is broken; every file is parsed once."""
    found: dict[str, list[str]] = {rule.__name__: [] for rule in RULES}
    for path, text in TEXTS.items():
        tree = ast.parse(text)
        for rule in RULES:
            found[rule.__name__] += rule(tree, path)
    return found


def test_a_file_holds_one_idea() -> None:
    lines = {name_of(path): text.count("\n") for path, text in TEXTS.items()}
    assert not {name: count for name, count in lines.items() if count > FILE_LINES}


def test_no_drawers() -> None:
    for path in FILES:
        parts = {part.removesuffix(".py").strip("_") for part in path.relative_to(SOURCE).parts}
        assert not parts & DRAWERS, f"{name_of(path)}: a name that says what is inside, please"


def test_sections_of_docstrings_are_those_that_the_reference_knows() -> None:
    foreign = re.compile(r"^ +(Errors|Parameters|Return|Throws|Yield):$", re.MULTILINE)
    assert not [name_of(path) for path, text in TEXTS.items() if foreign.search(text)]


@pytest.mark.parametrize("rule", [rule.__name__ for rule in RULES])
def test_there_are_no(rule: str, broken: dict[str, list[str]]) -> None:
    assert not broken[rule]


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=]", each)[0] for each in project["dependencies"]}
    imported = set[str]().union(*THIRD_PARTY.values())
    assert declared == {DISTRIBUTIONS.get(name, name) for name in imported}
    optional = {name: [*libraries] for name, libraries in EXTRAS.items()}
    assert optional == {
        name: [re.split(r"[<>=]", each)[0] for each in needs]
        for name, needs in project["optional-dependencies"].items()
    }
    for name in imported:
        importing = re.compile(rf"import(_module\(\")? ?{name}\b|from {name}\b")
        assert any(importing.search(text) for text in TEXTS.values())


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, steepest; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_import_of_a_public_name_is_lazy_where_it_is_heavy() -> None:
    code = "import sys, steepest as st; st.Tensor; st.nn; st.optim; st.Trainer; st.losses;"
    code += f"print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run_python(code).strip() == "[]"


def public_names(module: ModuleType) -> list[str]:
    stated: list[str] = getattr(module, "__all__", None) or dir(module)
    return [name for name in stated if not name.startswith("_")]


def public_modules() -> list[ModuleType]:
    """``steepest``, and the modules it offers that state in ``__all__`` what they hold."""
    offered = [getattr(steepest, name) for name in public_names(steepest)]
    modules = [value for value in offered if isinstance(value, ModuleType)]
    return [steepest, *(module for module in modules if hasattr(module, "__all__"))]


@pytest.mark.parametrize("module", public_modules(), ids=lambda module: module.__name__)
def test_every_public_name_exists_and_is_documented(module: ModuleType) -> None:
    names = public_names(module)
    assert len(names) == len(set(names))
    for name in names:
        value = getattr(module, name)
        is_alias = type(value).__module__ in {"typing", "types"} and not inspect.isroutine(value)
        if isinstance(value, ModuleType) or (callable(value) and not is_alias):
            assert (value.__doc__ or "").strip(), f"{module.__name__}.{name} has no docstring"


def test_the_architecture_page_names_every_room_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)(?:/|\.py)` \|", page, flags=re.MULTILINE))
    assert named == ROOMS


def test_the_floors_of_the_linter_are_the_rooms() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    layers = settings.partition("layers = [")[2].partition("]")[0]
    assert set(re.findall(r"\w+", layers)) == ROOMS | {"__main__"}
