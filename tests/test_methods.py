"""Every row of the textbook is there, documented and tested; docs/methods.md says so truly."""

import re

import methods
import pytest
import typer
from methods import Entry

from steepest.cli.application import command
from steepest.tabular.options import require_option

ENTRIES = methods.entries()
SHOWN = methods.tests()
ROWS = {row.name: row for row in methods.rows()}
NOW = [name for name, row in ROWS.items() if not row.later]


def _id(entry: Entry) -> str:
    return f"{entry.registry.kind}-{entry.method.name}"


@pytest.mark.parametrize("entry", ENTRIES, ids=_id)
def test_what_is_registered_is_public_and_documented(entry: Entry) -> None:
    assert entry.public or entry.method.option, "neither Python code nor the command reaches it"
    value = entry.method.value
    assert methods.formula(value), "its documentation has no first paragraph"
    assert set(entry.method.rows) <= set(ROWS), "rows that tools/rows.toml does not have"
    assert entry.method.rows, "it stands for no row"


def test_what_is_registered_is_tested_by_name_or_with_its_whole_registry() -> None:
    holders = {id(each): name for name, each in methods.registries().items()}
    texts = {
        row: "\n".join(path.read_text(encoding="utf-8") for path in paths)
        for row, paths in SHOWN.items()
    }
    for entry in ENTRIES:
        words = "|".join(map(re.escape, {*entry.words, holders[id(entry.registry)]}))
        for row in entry.method.rows:
            assert re.search(rf"\b({words})\b", texts.get(row, "")), (
                f"{_id(entry)}: no test that is marked {row} mentions it"
            )


def test_the_options_that_the_page_names_are_those_of_the_command() -> None:
    group = command()
    context = typer.Context(group)
    commands = [group.get_command(context, name) for name in group.list_commands(context)]
    flags = {words for each in commands if each for option in each.params for words in option.opts}
    named = {
        words
        for entry in ENTRIES
        for words in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", entry.method.option)
    }
    assert len(named) > 10
    assert named <= flags, "no command has such a flag"
    chosen = {
        words
        for entry in ENTRIES
        for words in re.findall(r"--set ([a-z0-9_.]+)", entry.method.option)
    }
    for name in chosen:
        require_option(name)


@pytest.mark.parametrize("row", NOW)
def test_every_row_has_something_that_stands_for_it_and_a_test(row: str) -> None:
    assert any(row in entry.method.rows for entry in ENTRIES), f"nothing is registered for {row}"
    assert SHOWN.get(row), f"no test is marked {row}"


def test_tests_show_rows_that_exist() -> None:
    assert set(SHOWN) <= set(ROWS)


def test_the_page_is_what_the_definitions_say() -> None:
    assert methods.PAGE.read_text(encoding="utf-8") == methods.page(), "write it anew: make docs"
