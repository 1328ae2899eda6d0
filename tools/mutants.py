"""Plant faults in the source, one at a time, and see whether the tests notice.

    .venv/bin/python tools/mutants.py --sample 100 --seed 0 \
        --source src/steepest/ops src/steepest/autodiff.py src/steepest/optim \
        --tests tests/ops tests/autodiff tests/tensor tests/transform tests/optim tests/train

Each mutant is one small change of the syntax tree: an operator or comparison turned into another, a
number changed, a sign or a `not` dropped, a statement removed. What is only test data (`cases`,
`domain`, …), text or type annotation is left alone. A mutant that no test kills is printed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ENDLESS = 86_400.0
_ROOT = Path(__file__).parents[1]
_TEST_DATA = {"cases", "domain", "choices", "left", "right", "summary", "inputs"}
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Mod: ast.Mult,
    ast.RShift: ast.LShift,
    ast.LShift: ast.RShift,
    ast.BitXor: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Mutant:
    """A file with one change."""

    file: Path
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before}  ->  {self.after}"


def changed(node: ast.AST) -> ast.AST | None:
    """The node with a small fault, or None if it offers none."""
    new = copy.deepcopy(node)
    match new:
        case ast.BinOp() if type(new.op) in _BINARY:
            new.op = _BINARY[type(new.op)]()
        case ast.Compare() if type(new.ops[0]) in _COMPARE:
            new.ops[0] = _COMPARE[type(new.ops[0])]()
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            return new.operand
        case ast.BoolOp():
            new.op = ast.Or() if isinstance(new.op, ast.And) else ast.And()
        case ast.Constant(value=bool()):
            new.value = not new.value
        case ast.Constant(value=int() | float() as number):
            new.value = number + 1
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            return ast.Pass()
        case _:
            return None
    return new


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Where a change can be made: (parent, field, position in the field's list)."""
    field: str
    value: Any
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        if isinstance(tree, ast.keyword) and tree.arg in _TEST_DATA:
            continue
        is_list = isinstance(value, list)
        children: list[Any] = value if is_list else [value]  # pyright: ignore[reportUnknownVariableType]
        for position, child in enumerate(children):
            if isinstance(child, ast.AST) and not _is_declaration(child):
                yield tree, field, position if is_list else None
                yield from places(child)


def _is_declaration(node: ast.AST) -> bool:
    """Text, names to export, type aliases: nothing a test of behaviour could see."""
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    if isinstance(node, ast.AnnAssign):
        return "TypeAlias" in ast.unparse(node.annotation)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for parent, field, position in list(places(tree)):
        siblings = getattr(parent, field)
        node = siblings if position is None else siblings[position]
        new = changed(node)
        if new is None:
            continue
        _put(parent, field, position, new)
        source = ast.unparse(ast.fix_missing_locations(tree))
        _put(parent, field, position, node)
        yield Mutant(
            file.relative_to(_ROOT), node.lineno, ast.unparse(node), ast.unparse(new), source
        )


def _put(parent: ast.AST, field: str, position: int | None, node: ast.AST) -> None:
    if position is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[position] = node


def outcome(mutant: Mutant | None, tests: list[str], seconds: float) -> str:
    """What the tests say of a fault (of the sources as they are, with None)."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("src", "tests"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_ROOT / name, work / name, ignore=ignore)
        shutil.copy(_ROOT / "pyproject.toml", work)
        if mutant is not None:
            (work / mutant.file).write_text(mutant.source, encoding="utf-8")
        options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly"]
        where = str(mutant.file) if mutant is not None else ""
        own_room_first = sorted(tests, key=lambda test: Path(test).stem not in where)
        command = [sys.executable, "-m", "pytest", *options, *own_room_first]
        environment = {**os.environ, "PYTHONPATH": str(work / "src"), "OMP_NUM_THREADS": "1"}
        try:
            finished = subprocess.run(
                command,
                cwd=work,
                env=environment,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "TIMED OUT"  # an endless loop, or only a busy machine: not counted as killed
        return "SURVIVED" if finished.returncode == 0 else "killed"


def main() -> None:
    """Sample mutants, run the tests on each, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--source", nargs="+", type=Path, required=True)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    files = [
        file
        for path in options.source
        for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    every = [mutant for file in files for mutant in mutants_of(file.resolve())]
    chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    started = time.monotonic()
    if outcome(None, options.tests, seconds=_ENDLESS) != "SURVIVED":
        raise SystemExit("the tests fail without any fault: nothing can be learned from them")
    # Twice as many run side by side, and a machine may be busy: a time-out is no kill.
    seconds = 60 + 10 * (time.monotonic() - started)

    def judge(mutant: Mutant) -> str:
        return outcome(mutant, options.tests, seconds)

    others: list[str] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for done, (mutant, found) in enumerate(
            zip(chosen, pool.map(judge, chosen), strict=True), 1
        ):
            print(f"{done}/{len(chosen)} {found} {mutant}", flush=True)
            others += [f"{found}: {mutant}"] if found != "killed" else []
    print(f"\n{len(chosen) - len(others)} of {len(chosen)} mutants killed ({len(every)} in all)")
    print("\n".join(others))


if __name__ == "__main__":
    main()
