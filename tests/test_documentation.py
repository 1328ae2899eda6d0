"""Every example in a docstring, in the README and in docs/ runs and prints what it says."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

import steepest
from steepest.cli import main

ROOT = Path(__file__).parent.parent
WRITTEN = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if not {"reference", "notebooks"} & {*path.parts}  # those are built
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def page_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def docstrings() -> Iterator[doctest.DocTest]:
    """The docstrings that hold an example; ``st`` and ``np`` need not be imported there."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for info in pkgutil.walk_packages(steepest.__path__, "steepest."):
        if info.name != "steepest.__main__":
            module = importlib.import_module(info.name)
            names = {**vars(module), "st": steepest, "np": np}
            yield from (test for test in finder.find(module, globs=names) if test.examples)


@pytest.mark.parametrize("example", list(docstrings()), ids=lambda example: example.name)
def test_examples_of_a_docstring(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not said, "".join(said)


# Of a command: its arguments, whether messages go where the output goes, and what the shell does
# with the output.
COMMAND = re.compile(r"""steepest ((?:"[^"]*"|'[^']*'|[^"'|>])*?)( 2>&1)?(?: ([|>].*))?""")


def run_command(command: str) -> tuple[int, str]:
    """The exit code and all that is printed; here, as a process takes longest to start."""
    found = COMMAND.fullmatch(command)
    assert found is not None, f"this form is not known: {command}"
    arguments, together, then = found.groups()
    printed = io.StringIO()
    said = io.StringIO() if then and not together else printed
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        code = main(shlex.split(arguments))
    if not then:
        return code, printed.getvalue()
    shell = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"cat {then}"],
        input=printed.getvalue(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    messages = "" if together else said.getvalue()
    return code or shell.returncode, messages + shell.stdout


def run_console(example: Example) -> str | None:
    """Run each ``$ command`` of a block, in order; what is shown under it is what it prints.

    Only the first word ``steepest`` is executed: other commands are for the reader.
    """
    for block in re.split(r"^\$ ", str(example.parsed), flags=re.MULTILINE)[1:]:
        lines = block.replace("\\\n", " ").split("\n", 1)
        command, shown = lines[0], lines[1] if len(lines) > 1 else ""
        if not command.startswith("steepest"):
            continue
        code, printed = run_command(command)
        if code != 0:
            return f"$ {command}\nexit code {code}\n{printed}"
        if shown.strip() and not doctest.OutputChecker().check_output(
            shown.rstrip() + "\n", printed.rstrip() + "\n", FLAGS
        ):
            return f"$ {command}\nexpected:\n{shown}\ngot:\n{printed}"
    return None


def test_a_command_of_a_page_prints_what_it_would_in_a_shell() -> None:
    assert run_command("steepest --version | head -c 8") == (0, "steepest")
    code, told = run_command("steepest nonsense 2>&1 | tr a-z A-Z")
    assert (code, told[:9]) == (2, "STEEPEST:")


@pytest.fixture(scope="module")
def fonts() -> None:
    """Matplotlib lists them once, and says so where that takes long."""
    importlib.import_module("matplotlib.font_manager")


@pytest.mark.usefixtures("fonts")
@pytest.mark.parametrize("path", WRITTEN, ids=page_name)
def test_examples_of_a_page(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One test for a page: its examples build on each other.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    parsers = [
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        CodeBlockParser("console", run_console),
        SkipParser(),
    ]
    with steepest.random.stream(0):  # as in a fresh process, whatever other tests have drawn
        for example in Sybil(parsers=parsers).parse(path).examples():
            example.evaluate()


@pytest.mark.parametrize("path", WRITTEN, ids=page_name)
def test_links_and_pictures_of_a_page_exist(path: Path) -> None:
    # The strict build judges links between pages of docs/, but neither pictures nor the README.
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target) and "reference/" not in target:
            assert (path.parent / target.partition("#")[0]).exists(), f"{path.name}: {target}"


def test_every_page_can_be_reached() -> None:
    pages = {path.resolve() for path in ROOT.glob("docs/**/*.md") if "reference" not in path.parts}
    navigation = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    reachable = {ROOT / "docs" / target for target in re.findall(r"\"([\w/-]+\.md)\"", navigation)}
    for path in sorted(pages):
        links = re.findall(r"\]\(([^)#\s]+\.md)", path.read_text(encoding="utf-8"))
        reachable |= {(path.parent / link).resolve() for link in links}
    assert not pages - reachable
