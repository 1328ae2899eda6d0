"""Every mistake a user can make: exit code 2, one or two lines of help, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from steepest.cli import main

GOOD = "size,sort,label\n" + "".join(
    f"{row / 7:.3f},{'abc'[row % 3]},{'yes' if row % 4 < 2 else 'no'}\n" for row in range(40)
)
OLD = b"what stood in the file before"


def lines(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def good_with(change: Callable[[list[str]], object]) -> bytes:
    rows = GOOD.splitlines()
    change(rows)
    return lines(*rows)


@dataclass
class Mistake:
    """A table, the options of `fit`, and words that the message must contain."""

    name: str
    says: tuple[str, ...]
    table: bytes | None = GOOD.encode()
    options: tuple[str, ...] = ("--target", "label")
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


FIT_MISTAKES = [
    # the file
    Mistake("missing file", ("does not exist", "table.csv"), table=None),
    Mistake("missing file, no target", ("does not exist", "table.csv"), table=None, options=()),
    Mistake("empty file", ("empty",), table=b""),
    Mistake("header only", ("no rows",), table=b"size,sort,label\n"),
    Mistake("binary rubbish", ("table.csv", "binary"), table=b"\x7fELF\x02\x01\0\0" * 50),
    Mistake("zip", ("damaged ZIP", "Excel"), table=b"PK\x03\x04" + bytes(100)),
    Mistake(
        "ragged", ("line 8", "2 fields", "3"), table=good_with(lambda r: r.__setitem__(7, "1,a"))
    ),
    Mistake("ragged from the start", ("line 2",), table=lines("a", "1,2", "3,4", "5,6")),
    Mistake("open quote", ("line 4", "quote"), table=good_with(lambda r: r.__setitem__(3, '"1,a'))),
    Mistake(
        "duplicate names", ("'size'", "2"), table=lines("size,size,label", "1,2,yes", "3,4,no")
    ),
    # the target
    Mistake("no target", ("--target",), options=()),
    Mistake("unknown target", ("'lable'", "'label'"), options=("--target", "lable")),
    Mistake("target all missing", ("label", "no value"), table=lines("a,label", "1,", "2,", "3,?")),
    Mistake("constant target", ("label", "nothing"), table=lines("a,label", "1,x", "2,x", "3,x")),
    Mistake(
        "a class with one row",
        ("line 4", "'z'", "one row"),
        table=lines("a,label", "1,x", "2,x", "3,z", "4,y", "5,y", "6,y"),
    ),
    Mistake("target in --drop", ("label", "target"), options=("-t", "label", "--drop", "label")),
    # the features
    Mistake(
        "feature all missing",
        ("'b'", "no value in any row", "no column is left"),
        table=lines("b,label", *[",x", ",y"] * 10),
    ),
    Mistake(
        "infinite feature",
        ("line 3", "'a'", "infinite"),
        table=lines("a,label", *["1,x", "inf,y", "3,x", "4,y"] * 5),
    ),
    Mistake(
        "text in numbers",
        ("line 6", "'size'", "'oops'"),
        table=good_with(lambda r: r.__setitem__(5, "oops,a,yes")),
    ),
    Mistake(
        "text in a column forced numeric",
        ("line 2", "'sort'", "'a'"),
        options=("-t", "label", "--types", "sort=numeric"),
    ),
    Mistake("no feature left", ("feature",), options=("-t", "label", "--drop", "size,sort")),
    Mistake(
        "unknown column in --drop",
        ("'siz'", "'size'"),
        options=("-t", "label", "--drop", "siz"),
    ),
    Mistake(
        "unknown column in --features",
        ("'sorts'", "'sort'"),
        options=("-t", "label", "--features", "sorts"),
    ),
    Mistake("--types not a pair", ("COLUMN=KIND",), options=("-t", "label", "--types", "size")),
    Mistake(
        "unknown kind", ("numeric", "categorical"), options=("-t", "label", "--types", "size=x")
    ),
    Mistake(
        "negative weights",
        ("line 3", "'w'", "negative"),
        table=lines("a,w,label", *["1,1,x", "2,-1,y", "3,1,x", "4,1,y"] * 5),
        options=("-t", "label", "--sample-weight", "w"),
    ),
    # the parts
    Mistake(
        "too few rows", ("rows", "too few"), table=lines("a,label", "1,x", "2,y", "3,x", "4,y")
    ),
    Mistake(
        "nothing left for training",
        ("training",),
        options=("-t", "label", "--validation", "0.5", "--test", "0.6"),
    ),
    Mistake("missing test file", ("no.csv",), options=("-t", "label", "--test", "no.csv")),
    Mistake(
        "unseen label in the validation file",
        ("line 3", "'yess'", "'yes'"),
        options=("-t", "label", "--validation", "more.csv"),
        files={"more.csv": lines("size,sort,label", "1,a,yes", "2,b,yess")},
    ),
    Mistake(
        "validation file lacks a column",
        ("more.csv", "'size'"),
        options=("-t", "label", "--validation", "more.csv"),
        files={"more.csv": lines("sort,label", "a,yes", "b,no")},
    ),
    # options
    Mistake(
        "negative rate",
        ("optimizer.learning_rate = -1", "0 < value"),
        table=None,
        options=("-t", "label", "--learning-rate", "-1"),
    ),
    Mistake(
        "dropout 1",
        ("network.dropout = 1", "0 <= value < 1", "auto"),
        table=None,
        options=("-t", "label", "--dropout", "1"),
    ),
    Mistake(
        "hidden size 0",
        ("hidden_layer_sizes", "1 <= value"),
        table=None,
        options=("-t", "label", "--hidden-layer-sizes", "64,0"),
    ),
    Mistake(
        "rate not a number",
        ("optimizer.learning_rate", "fast"),
        table=None,
        options=("-t", "label", "--learning-rate", "fast"),
    ),
    Mistake(
        "rate NaN",
        ("optimizer.learning_rate", "0 < value"),
        table=None,
        options=("-t", "label", "--learning-rate", "nan"),
    ),
    Mistake(
        "unknown activation",
        ("'relu'",),
        table=None,
        options=("-t", "label", "--activation", "relo"),
    ),
    Mistake(
        "unknown option name",
        ("network.dropot", "network.dropout"),
        table=None,
        options=("-t", "label", "--set", "network.dropot=0.1"),
    ),
    Mistake(
        "--set without =", ("section.name=value",), table=None, options=("--set", "network.dropout")
    ),
    Mistake("unknown flag", ("--drpout", "-h"), table=None, options=("--drpout", "0.1")),
    Mistake(
        "config missing",
        ("no.toml",),
        table=None,
        options=("-t", "label", "--config", "no.toml"),
    ),
    Mistake(
        "config not TOML",
        ("bad.toml", "line 1"),
        table=None,
        options=("--config", "bad.toml"),
        files={"bad.toml": b"dropout 0.1"},
    ),
    Mistake(
        "config with an unknown name",
        ("bad.toml: ", "network.dropuot", "dropout"),
        table=None,
        options=("--config", "bad.toml"),
        files={"bad.toml": b"[network]\ndropuot = 0.1"},
    ),
    Mistake(
        "config with an impossible value",
        ("bad.toml: ", "network.dropout"),
        table=None,
        options=("--config", "bad.toml"),
        files={"bad.toml": b"[network]\ndropout = 2"},
    ),
    # outputs
    Mistake(
        "no such folder", ("no/such", "folder"), options=("-t", "label", "--out", "no/such/model")
    ),
    Mistake("out is a folder", ("directory",), options=("-t", "label", "--out", ".")),
    Mistake("out is the table", ("table.csv",), options=("-t", "label", "--out", "table.csv")),
    Mistake("two outputs in one", ("twice",), options=("-t", "label", "--history", "old")),
    Mistake("stdout twice", ("stdout",), options=("-t", "label", "--out", "-", "--json")),
    Mistake("unknown picture", (".png",), options=("-t", "label", "--plot", "curves.gif")),
]


@pytest.mark.parametrize("mistake", FIT_MISTAKES, ids=lambda mistake: mistake.name)
def test_fit_explains_the_mistake_and_touches_nothing(
    mistake: Mistake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"old": OLD, **mistake.files}
    if mistake.table is not None:
        files["table.csv"] = mistake.table
    for name, content in files.items():
        Path(name).write_bytes(content)

    options = mistake.options if "--out" in mistake.options else (*mistake.options, "--out", "old")
    code = main(["fit", "table.csv", *options])

    output = capsys.readouterr()
    assert code == 2
    assert output.out == ""
    message = output.err[output.err.rindex("steepest: ") :]
    for words in mistake.says:
        assert words in message
    assert len(message.rstrip().splitlines()) <= 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("model")
    table = folder / "table.csv"
    table.write_text(GOOD)
    out = folder / "model.safetensors"
    options = ["--target", "label", "--max-epochs", "2", "--hidden-layer-sizes", "4", "--quiet"]
    assert main(["fit", str(table), *options, "--out", str(out)]) == 0
    return out.read_bytes()


def with_header(content: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def newer(header: dict[str, object]) -> None:
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    document = json.loads(metadata["steepest"])
    metadata["steepest"] = json.dumps({**document, "format": 99, "version": "9.0"})


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], tuple[str, ...]]] = {
    "cut in the weights": (lambda c: c[:-10], ("damaged",)),
    "cut in the header": (lambda c: c[:200], ("damaged", "header")),
    "cut in the length": (lambda c: c[:5], ("damaged", "5 bytes")),
    "empty": (lambda c: b"", ("damaged",)),
    "longer than described": (lambda c: c + b"more", ("damaged",)),
    "absurd header length": (
        lambda c: (2**62).to_bytes(8, "little") + c[8:],
        ("no model file",),
    ),
    "header length beyond the file": (
        lambda c: (len(c) * 2).to_bytes(8, "little") + c[8:],
        ("damaged", "header"),
    ),
    "a table": (lambda c: GOOD.encode() * 10, ("no model file", "steepest fit")),
    "newer": (lambda c: with_header(c, newer), ("format 99", "9.0", "upgrade")),
    "not ours": (
        lambda c: with_header(c, lambda h: h.pop("__metadata__")),
        ("no model saved by steepest",),
    ),
}


@pytest.mark.parametrize("command", ["predict", "evaluate", "inspect"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_file_is_explained(
    command: str,
    damage: str,
    model: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change, says = DAMAGES[damage]
    path, table = tmp_path / "m.safetensors", tmp_path / "t.csv"
    path.write_bytes(change(model))
    table.write_text(GOOD)

    code = main([command, str(path), *([] if command == "inspect" else [str(table)])])

    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    for words in says:
        assert words in output.err
    assert len(output.err.splitlines()) == 1


PREDICT_MISTAKES: dict[str, tuple[bytes, list[str], tuple[str, ...]]] = {
    "missing column": (lines("size,label", "1,yes"), [], ("'sort'",)),
    "changed type": (lines("size,sort", "1,a", "two,b"), [], ("line 3", "'size'", "'two'")),
    "text became numbers": (lines("size,sort", "1,5", "2,6"), [], ("line 2", "'sort'")),
    "unknown --keep": (GOOD.encode(), ["--keep", "sise"], ("'sise'", "'size'")),
    "name taken": (
        lines("size,sort,prediction", "1,a,x"),
        ["--append"],
        ("'prediction'", "--keep"),
    ),
    "ragged after some blocks": (
        lines("size,sort", *["1,a"] * 20_000, "1"),
        [],
        ("line 20002", "1 field"),
    ),
    "out named .parquet": (GOOD.encode(), ["--out", "p.parquet"], ("p.parquet", ".csv")),
    "out named .gz": (GOOD.encode(), ["--out", "p.csv.gz"], ("p.csv.gz", "plain CSV")),
    "out named .tsv": (GOOD.encode(), ["--out", "p.TSV"], ("p.TSV", ".csv")),
    "no such folder": (GOOD.encode(), ["--out", "no/such/file.csv"], ("no/such",)),
}


@pytest.mark.parametrize("mistake", PREDICT_MISTAKES)
def test_predict_explains_the_mistake_and_touches_nothing(
    mistake: str,
    model: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table, options, says = PREDICT_MISTAKES[mistake]
    monkeypatch.chdir(tmp_path)
    files = {"m.safetensors": model, "t.csv": table, "old.csv": OLD}
    for name, content in files.items():
        Path(name).write_bytes(content)

    options = options if "--out" in options else [*options, "--out", "old.csv"]
    code = main(["predict", "m.safetensors", "t.csv", *options])

    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    for words in says:
        assert words in output.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_evaluate_names_the_row_of_an_unseen_label(
    model: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, table = tmp_path / "m.safetensors", tmp_path / "t.csv"
    path.write_bytes(model)
    table.write_bytes(lines("size,sort,label", "1,a,yes", "2,b,yep", "3,c,no"))
    assert main(["evaluate", str(path), str(table)]) == 2
    message = capsys.readouterr().err
    for words in ("line 3", "'yep'", "'yes'"):
        assert words in message


def test_unwritable_output_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(GOOD)
    assert main(["fit", str(table), "-t", "label", "--out", "/proc/nothing/here"]) == 2
    message = capsys.readouterr().err
    assert "/proc/nothing" in message
    assert "rows to train on" not in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text(GOOD)
    options = ["-t", "label", "--max-epochs", "1", "--quiet"]
    assert main(["fit", str(table), *options, "--out", "/dev/full"]) == 2
    assert "no space left" in capsys.readouterr().err.lower()
