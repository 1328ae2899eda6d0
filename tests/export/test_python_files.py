"""Exported Python files of every kind of model predict what the models do, with NumPy only."""

from __future__ import annotations

import csv
import io
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies

from export.fitted import (
    MODELS,
    UNCLIPPED,
    Cells,
    fit,
    fitted,
    of_free_text,
    rows,
    texts,
    with_activation,
)
from steepest.export import python_source
from steepest.export.to_python import rows as copied
from steepest.export.to_python.copies import copies
from steepest.export.to_python.literals import text_literal, wrapped
from steepest.nn.activations import ACTIVATIONS
from steepest.tabular import TableModel


def module(model: TableModel, folder: Path) -> dict[str, Any]:
    path = folder / "model.py"
    path.write_text(python_source(model), encoding="utf-8")
    return runpy.run_path(str(path))


def check(model: TableModel, cells: Cells, folder: Path) -> None:
    """The same labels; probabilities and numbers to rounding in the network's element type."""
    found = module(model, folder)
    predicted, wanted = found["predict"](cells), model.predict(cells)
    assert predicted.shape == wanted.shape
    if wanted.dtype.kind in "OU":
        assert predicted.tolist() == wanted.tolist()
    else:
        rounding = 1e-13 if model.network.dtype == np.float64 else 1e-6
        scale = float(np.std(wanted))
        np.testing.assert_allclose(predicted, wanted, rtol=rounding, atol=rounding * scale)
    assert ("predict_proba" in found) == model.has_probabilities
    if "predict_proba" in found:
        probabilities = model.predict_proba(cells)
        np.testing.assert_allclose(found["predict_proba"](cells), probabilities, rtol=1e-6)
    if "predict_quantiles" in found:
        quantiles = model.predict_quantiles(cells)
        np.testing.assert_allclose(found["predict_quantiles"](cells), quantiles, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_predicts_what_the_model_does(name: str, tmp_path: Path) -> None:
    huge = 1e6 if name in UNCLIPPED else 1e300
    check(fitted(name), rows(300, 1, odd=True, huge=huge).cells, tmp_path)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_in_a_file(activation: str, tmp_path: Path) -> None:
    check(with_activation(activation), rows(50, 2, odd=True).cells, tmp_path)


def test_free_text_is_hashed_alike(tmp_path: Path) -> None:
    check(of_free_text(), texts(100, 1), tmp_path)
    assert "  network   2 inputs + 2 texts -> 6 relu -> 5 relu ->" in of_free_text().summary()


def alone(folder: Path) -> list[str]:
    """A Python that finds NumPy and nothing else that is installed."""
    package = Path(np.__file__).parent
    for name in ("numpy", "numpy.libs"):
        if (package.parent / name).exists():
            (folder / name).symlink_to(package.parent / name)
    program = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv.pop(0);"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return [sys.executable, "-I", "-S", "-W", "error", "-c", program, str(folder)]


def test_a_file_runs_where_only_numpy_is(tmp_path: Path) -> None:
    python = alone(tmp_path)
    program = "import sys; sys.path.insert(0, sys.argv[1]); import numpy, steepest"
    command = [*python[:-2], program, python[-1]]
    missing = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "No module named 'steepest'" in missing.stderr
    model = fitted("classes")
    (tmp_path / "model.py").write_text(python_source(model), encoding="utf-8")
    cells = rows(60, 4, odd=True).cells
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(cells)
        writer.writerows(zip(*cells.values(), strict=True))
    command = [*python, str(tmp_path / "model.py"), "--probabilities", str(tmp_path / "table.csv")]
    ran = subprocess.run(command, capture_output=True, check=False)
    assert (ran.stderr, ran.returncode) == (b"", 0)
    printed = pd.read_csv(io.BytesIO(ran.stdout), keep_default_na=False)
    read = tmp_path / "table.csv"
    assert printed["prediction"].tolist() == model.predict(read).tolist()
    assert list(printed)[1:] == [f"probability_{label}" for label in model.classes]
    np.testing.assert_allclose(printed.iloc[:, 1:], model.predict_proba(read), rtol=2e-6)


WRONG: Mapping[str, tuple[str, str]] = {
    "no table": ("", "the table is empty"),
    "no column": ("size\n1\n", "there is no column 'grade'"),
    "text": ("size,grade\n1,S\nabc,S\n", "line 3, column 'size': 'abc' is no number"),
    "too few fields": ("size,grade\n1\n", "line 2 has 1 fields where there are 2 columns"),
    "a quote": ('size,grade\n1,"S\n', "line 2: unexpected end of data"),
    "huge": ("size,grade\n1e400,S\n", "line 2, column 'size': '1e400' is no number"),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = fit("number", {"data": {"features": ["size", "grade"]}})
    path = tmp_path_factory.mktemp("small") / "small.py"
    path.write_text(python_source(model), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_table_is_said(
    name: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = WRONG[name]
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    assert runpy.run_path(str(small))["main"]([str(path)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert said in printed.err


TABLES = {
    "semicolons": "grade;size\nS;1,5\nM;-2\n",
    "tabs and a mark": "\ufeffsize\tgrade\n1.5\tS\n-2\tM\n",
    "columns of others": 'x,"size",grade\n"a\nb",1.5,S\n,-2,M\n\n',
    "blanks": " size , grade \n 1.5 , S\n-2, M\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_however_they_are_written(
    name: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLES[name], encoding="utf-8", newline="")
    found = runpy.run_path(str(small))
    assert found["main"]([str(path)]) == 0
    heading, *values = capsys.readouterr().out.split()
    wanted = found["predict"]([{"size": 1.5, "grade": "S"}, {"size": -2, "grade": "M"}])
    assert (heading, list(map(float, values))) == ("prediction", wanted.tolist())


def test_rows_come_as_dictionaries_columns_or_frames(small: Path) -> None:
    predict = runpy.run_path(str(small))["predict"]
    columns = {"size": [1.0, None, np.nan], "grade": ["S", "", pd.NA]}
    wanted = predict(columns).tolist()
    each = zip(*columns.values(), strict=True)
    listed = [dict(zip(columns, values, strict=True)) for values in each]
    assert predict(listed).tolist() == wanted
    assert predict(pd.DataFrame(columns).to_dict("list")).tolist() == wanted
    assert predict([]).tolist() == []
    absent = [{"size": 1.0, "grade": "S"}, {"grade": "S"}]
    assert predict(absent).tolist() == predict([absent[0], {"size": "NA", "grade": "S"}]).tolist()
    with pytest.raises(ValueError, match="no column 'size'"):
        predict([{"grade": "S"}])
    with pytest.raises(ValueError, match="row 2, column 'size': 'x' is no number"):
        predict([{"size": 1, "grade": "S"}, {"size": "x", "grade": "S"}])


@pytest.mark.parametrize("name", ["classes", "ensemble of labels", "waves", "quantiles"])
def test_a_file_is_formatted_and_the_same_again(name: str) -> None:
    source = python_source(fitted(name))
    assert source == python_source(fitted(name))
    assert max(map(len, source.splitlines())) <= 100
    assert "eval(" not in source
    assert "exec(" not in source
    ruff = [sys.executable, "-m", "ruff", "format", "--line-length", "100", "-"]
    ran = subprocess.run(ruff, input=source, capture_output=True, text=True, check=False)
    if "No module named" in ran.stderr:
        pytest.skip("ruff is not here")
    assert ran.stdout == source


@given(strategies.text(max_size=200))
def test_a_text_literal_gives_the_text_back(text: str) -> None:
    written = text_literal(text)
    assert eval(written) == text
    assert written.isprintable() or "\n" in written
    assert max(map(len, written.splitlines())) <= 100


@given(strategies.lists(strategies.text(max_size=120), max_size=40))
def test_lists_are_wrapped_and_give_the_same_back(texts: list[str]) -> None:
    lines = wrapped("[", map(text_literal, texts), "]")
    assert eval("\n".join(lines)) == texts


def test_copies_run_by_themselves() -> None:
    imports, definitions = copies([*copied.CELLS.values(), *copied.FUNCTIONS.values()])
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("\n".join(["from __future__ import annotations", *imports, *definitions]), space)
    assert space["parse_written"]("(1.609,13 €)", "comma") == -1609.13
    table = {"day": ["1.3.2024", None]}
    seconds = space["seconds_of"](table, {"day": "day-first"}, ())
    assert seconds[0, 0] == 1709251200.0
    assert np.isnan(seconds[1, 0])
