"""Tables that people really have and that are hard to read, each with what must come of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ROWS = 40
TABLES: dict[str, Hostile] = {}


@dataclass(frozen=True)
class Hostile:
    """A file, the words of the command beside it, and its end.

    Args:
        content: the file's bytes.
        rows: how many rows can be learnt from; None where the table must be refused.
        said: what must be said, of a refusal or of a fit.
        words: options of ``fit``.
        suffix: of the file's name.
        target: the column to predict.
        unlabelled: rows without a target, which can be predicted only.
    """

    content: bytes
    rows: int | None
    said: str = ""
    words: tuple[str, ...] = ()
    suffix: str = ".csv"
    target: str = "y"
    unlabelled: int = 0


def hostile(make: Callable[[], Hostile]) -> Callable[[], Hostile]:
    """Keep a table under its function's name."""
    TABLES[make.__name__] = make()
    return make


def records(count: int = ROWS) -> list[list[str]]:
    """A header and rows: a number, a category, and a class that follows from them."""
    rows = [["size", "sort", "y"]]
    rows += [[f"{i * 7 % 20 / 4}", "abc"[i % 3], "uv"[i * 7 % 20 > 9]] for i in range(count)]
    return rows


def written(
    rows: Iterable[Iterable[str]],
    separator: str = ",",
    end: str = "\n",
    quoting: int = csv.QUOTE_MINIMAL,
) -> str:
    """As the csv module writes it."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting)  # pyright: ignore[reportArgumentType]
    writer.writerows(rows)
    return file.getvalue()


def changed(**columns: Callable[[int, str], str]) -> list[list[str]]:
    """The records with columns written anew, by row and old text; new ones stand in front."""
    header, *rows = records()
    for name, make in columns.items():
        if name not in header:
            header = [name, *header]
            rows = [["", *row] for row in rows]
        place = header.index(name)
        for number, row in enumerate(rows):
            row[place] = make(number, row[place])
    return [header, *rows]


# ------------------------------------------------------------------------------------- encodings


@hostile
def utf_8_with_mark() -> Hostile:
    return Hostile(written(records()).encode("utf-8-sig"), ROWS)


@hostile
def utf_16() -> Hostile:
    return Hostile(written(records()).encode("utf-16"), ROWS)


@hostile
def utf_16_big_endian_with_mark() -> Hostile:
    return Hostile(b"\xfe\xff" + written(records()).encode("utf-16-be"), ROWS)


@hostile
def utf_16_without_mark() -> Hostile:
    return Hostile(written(records()).encode("utf-16-le"), ROWS)


@hostile
def latin_1() -> Hostile:
    table = changed(sort=lambda i, _: ("groß", "klein", "übrig")[i % 3])
    return Hostile(written(table).encode("latin-1"), ROWS)


@hostile
def latin_1_with_a_name_of_the_encoding() -> Hostile:
    table = changed(sort=lambda i, _: ("groß", "klein", "übrig")[i % 3])
    content = written(table).encode("latin-1")
    return Hostile(content, ROWS, words=("--set", "data.encoding=latin-1"))


@hostile
def unicode_names() -> Hostile:
    _, *rows = records()
    header = ["größe in m²", "种类 🦊", "y"]
    return Hostile(written([header, *rows]).encode(), ROWS)


@hostile
def right_to_left_and_invisible_names() -> Hostile:
    _, *rows = records()
    header = ["\u202esize", "so\u200brt", "y"]
    return Hostile(written([header, *rows]).encode(), ROWS)


@hostile
def not_text_at_all() -> Hostile:
    return Hostile(bytes(range(256)) * 40, None)


@hostile
def nul_bytes_inside() -> Hostile:
    text = written(records()).replace("b,", "b\0,", 1)
    return Hostile(text.encode(), None, said="line 3")


@hostile
def one_byte_that_is_no_text() -> Hostile:
    content = written(records()).encode().replace(b"b,", b"\x81,", 1)
    return Hostile(content, None, said="line 3")


# ------------------------------------------------------------------------- separators and numbers


@hostile
def semicolons_and_decimal_commas() -> Hostile:
    table = changed(size=lambda _, text: text.replace(".", ","))
    return Hostile(written(table, ";").encode(), ROWS)


@hostile
def tabs() -> Hostile:
    return Hostile(written(records(), "\t").encode(), ROWS, suffix=".tsv")


@hostile
def pipes() -> Hostile:
    return Hostile(written(records(), "|").encode(), ROWS)


@hostile
def quoted_separators() -> Hostile:
    table = changed(sort=lambda i, _: ("a,b", "c,d,e", 'say "x"')[i % 3])
    return Hostile(written(table).encode(), ROWS)


@hostile
def newlines_inside_quotes() -> Hostile:
    table = changed(sort=lambda i, _: ("a\nb", "c\r\nd", "e")[i % 3])
    return Hostile(written(table).encode(), ROWS)


@hostile
def everything_quoted() -> Hostile:
    return Hostile(written(records(), quoting=csv.QUOTE_ALL).encode(), ROWS)


@hostile
def mixed_line_ends() -> Hostile:
    lines = written(records()).splitlines()
    ends = ("\n", "\r\n", "\r")
    return Hostile("".join(f"{x}{ends[i % 3]}" for i, x in enumerate(lines)).encode(), ROWS)


@hostile
def no_newline_at_the_end() -> Hostile:
    return Hostile(written(records()).rstrip("\n").encode(), ROWS)


@hostile
def blank_lines_between() -> Hostile:
    return Hostile(written(records()).replace("\n", "\n\n").encode(), ROWS)


@hostile
def comments() -> Hostile:
    text = "# measured in May\n# by nobody\n" + written(records())
    return Hostile(text.encode(), ROWS)


@hostile
def thousands_separators() -> Hostile:
    table = changed(size=lambda i, _: f"{(i * 977 % 31) * 1001.5:,.2f}")
    return Hostile(written(table).encode(), ROWS)


@hostile
def german_thousands() -> Hostile:
    def german(i: int, _: str) -> str:
        text = f"{(i * 977 % 31) * 1001.5:,.2f}"
        return text.translate(str.maketrans(",.", ".,"))

    return Hostile(written(changed(size=german), ";").encode(), ROWS)


@hostile
def currency() -> Hostile:
    return Hostile(written(changed(size=lambda i, _: f"${i * 7 % 20}.50")).encode(), ROWS)


@hostile
def percentages() -> Hostile:
    return Hostile(written(changed(size=lambda i, _: f"{i * 7 % 20} %")).encode(), ROWS)


@hostile
def huge_numbers() -> Hostile:
    return Hostile(written(changed(size=lambda i, _: f"{i}e{i * 7 % 290}")).encode(), ROWS)


@hostile
def infinite_numbers() -> Hostile:
    table = changed(size=lambda i, text: "inf" if i == 7 else text)
    return Hostile(written(table).encode(), None, said="line 9")


@hostile
def one_word_among_numbers() -> Hostile:
    table = changed(size=lambda i, text: "broken" if i == 7 else text)
    return Hostile(written(table).encode(), None, said="line 9")


# ------------------------------------------------------------------------------- kinds of columns


@hostile
def booleans_in_words() -> Hostile:
    return Hostile(written(changed(ok=lambda i, _: ("yes", "no")[i * 7 % 20 > 9])).encode(), ROWS)


@hostile
def dates() -> Hostile:
    table = changed(day=lambda i, _: f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}")
    return Hostile(written(table).encode(), ROWS)


@hostile
def days_first() -> Hostile:
    table = changed(day=lambda i, _: f"{i % 28 + 1}.{i % 12 + 1}.2024")
    return Hostile(written(table).encode(), ROWS)


@hostile
def days_that_do_not_exist() -> Hostile:
    table = changed(day=lambda i, _: f"2024-02-{i % 28 + 1:02}" if i != 5 else "2024-02-31")
    return Hostile(written(table).encode(), None, said="line 7")


@hostile
def free_text() -> Hostile:
    words = ("the red fox", "a blue whale", "some green tree", "no bird at all")
    table = changed(text=lambda i, _: f"{words[i % 4]} number {i} is {words[i * 3 % 4]}")
    return Hostile(written(table).encode(), ROWS)


@hostile
def missing_markers_of_all_kinds() -> Hostile:
    markers = ("", "NA", "n/a".upper(), "NaN", "null", "?")
    table = changed(size=lambda i, text: markers[i % 6] if i % 4 == 0 else text)
    return Hostile(written(table).encode(), ROWS)


@hostile
def a_column_without_values() -> Hostile:
    return Hostile(written(changed(empty=lambda _i, _t: "")).encode(), ROWS)


@hostile
def all_missing() -> Hostile:
    return Hostile(written([["a", "y"], *[["", ""]] * ROWS]).encode(), None)


@hostile
def a_target_that_is_missing_sometimes() -> Hostile:
    table = changed(y=lambda i, text: "" if i % 4 == 0 else text)
    return Hostile(written(table).encode(), ROWS - ROWS // 4, unlabelled=ROWS // 4)


@hostile
def names_that_clash_with_ours() -> Hostile:
    header = ["size", "size is missing", "sort", "sort=a", "prediction", "y"]
    rows = [
        [f"{i % 9}" if i % 5 else "", f"{i % 2}", "abc"[i % 3], f"{i % 4}", "ab"[i % 2], label]
        for i, label in ((i, "uv"[i % 9 > 4]) for i in range(ROWS))
    ]
    return Hostile(written([header, *rows]).encode(), ROWS)


@hostile
def names_of_our_files() -> Hostile:
    _, *rows = records()
    return Hostile(written([["numeric", "categories", "y"], *rows]).encode(), ROWS)


# ----------------------------------------------------------------------------------------- shapes


@hostile
def nothing() -> Hostile:
    return Hostile(b"", None, said="empty")


@hostile
def blanks_only() -> Hostile:
    return Hostile(b" \n\n\n", None)


@hostile
def no_rows() -> Hostile:
    return Hostile(b"size,sort,y\n", None, said="no rows")


@hostile
def one_row() -> Hostile:
    return Hostile(b"size,sort,y\n1,a,u\n", None)


@hostile
def one_column() -> Hostile:
    return Hostile(b"y\n" + b"u\nv\n" * 20, None, said="feature")


@hostile
def ragged() -> Hostile:
    lines = written(records()).splitlines()
    lines[9] += ",5"
    return Hostile("\n".join(lines).encode(), None, said="line 10")


@hostile
def one_name_twice() -> Hostile:
    _, *rows = records()
    return Hostile(written([["size", "size", "y"], *rows]).encode(), None, said="'size'")


@hostile
def a_name_is_missing() -> Hostile:
    _, *rows = records()
    return Hostile(written([["", "sort", "y"], *rows]).encode(), None, said="column 1")


@hostile
def many_categories() -> Hostile:
    rows = [[f"c{i * 31 % 50_000}", "uv"[i % 2]] for i in range(60_000)]
    return Hostile(written([["sort", "y"], *rows]).encode(), 60_000)


@hostile
def a_field_of_ten_megabytes() -> Hostile:
    table = changed(note=lambda i, _: "x" * 10_000_000 if i == 5 else "ab"[i % 2])
    return Hostile(written(table).encode(), ROWS)


@hostile
def an_open_quote() -> Hostile:
    text = written(records()).replace("b,", '"b,', 1)
    return Hostile(text.encode(), None, said="line 3")


@hostile
def many_columns() -> Hostile:
    header = [*(f"x{i}" for i in range(1000)), "y"]
    rows = [[*(f"{(i * j) % 7}" for i in range(1000)), "uv"[j % 2]] for j in range(ROWS)]
    return Hostile(written([header, *rows]).encode(), ROWS)


# ---------------------------------------------------------------------------------- kinds of files


@hostile
def damaged_gzip() -> Hostile:
    content = gzip.compress(written(records()).encode())
    return Hostile(content[: len(content) // 2], None, said="gzip", suffix=".csv.gz")


@hostile
def json_lines() -> Hostile:
    header, *rows = records()
    lines = [json.dumps(dict(zip(header, row, strict=True))) for row in rows]
    return Hostile("\n".join(lines).encode(), ROWS, suffix=".jsonl")


@hostile
def json_lines_with_a_broken_one() -> Hostile:
    header, *rows = records()
    lines = [json.dumps(dict(zip(header, row, strict=True))) for row in rows]
    lines[6] = lines[6][:-3]
    return Hostile("\n".join(lines).encode(), None, said="line 7", suffix=".jsonl")


@hostile
def nested_json() -> Hostile:
    lines = [json.dumps({"a": {"b": i}, "y": "uv"[i % 2]}) for i in range(ROWS)]
    return Hostile("\n".join(lines).encode(), None, said="'a'", suffix=".jsonl")
