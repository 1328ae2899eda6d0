"""Every kind of column keeps what kinds promise; and what is particular to some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from steepest.cli.flags import kinds
from steepest.data import KINDS, FittedColumn, Preprocessor, infer_schema, read_table
from steepest.data.inference import parse_kind
from steepest.data.kinds import ARRAYS, BooleanColumn, FreeTextColumn, OrdinalColumn, Sight
from steepest.data.ngrams import bags_of_codes, code_of, grams, most_codes
from steepest.errors import ConfigurationError, DataError, ModelFileError

ROWS = 40
LABELS = ["no", "yes"] * (ROWS // 2)
SENTENCES = [f"The {row}. penguin of {row * 7} swims well" for row in range(ROWS)]
SIZES = ["small", "middle", "large", "middle"] * (ROWS // 4)

# For each kind a column that is taken for it, and how a user asks for it.
EXAMPLES: dict[str, tuple[Any, str]] = {
    "numeric": ([1.5 * row % 11 for row in range(ROWS)], "numeric"),
    "boolean": (["yes", "no", "yes", "No"] * (ROWS // 4), "boolean"),
    "datetime": ([f"2024-{1 + row % 12:02}-{1 + row % 28:02}" for row in range(ROWS)], "datetime"),
    "ordinal": (
        pd.Categorical(SIZES, ["small", "middle", "large"], ordered=True),
        "ordinal:small<middle<large",
    ),
    "text": (SENTENCES, "text"),
    "categorical": (["a", "b", "c", "d"] * (ROWS // 4), "categorical"),
}


def fitted(values: object, asked: str = "", rows: slice = slice(None)) -> tuple[FittedColumn, Any]:
    table = read_table(pd.DataFrame({"column": values, "y": LABELS}))
    schema = infer_schema(table, "y", types={"column": asked} if asked else {})
    return Preprocessor.fit(table.take(rows), schema).columns[0], table


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(KINDS)
    assert list(KINDS)[-1] == "categorical"  # which takes all that is left


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("is_asked", [False, True])
def test_it_is_recognised_and_can_be_asked_for(name: str, is_asked: bool) -> None:
    values, asked = EXAMPLES[name]
    table = read_table(pd.DataFrame({"column": values, "y": LABELS}))
    schema = infer_schema(table, "y", types={"column": asked} if is_asked else {})
    (feature,) = schema.features
    assert feature.kind == name
    assert feature.detail
    assert (feature.reason == "by option") == is_asked


@pytest.mark.parametrize("name", KINDS)
def test_others_leave_it_alone(name: str) -> None:
    sight = Sight(read_table(pd.DataFrame({"column": EXAMPLES[name][0]})), "column")
    for kind in KINDS.values():
        if kind.name not in (name, "categorical"):
            assert kind.recognise(sight) is None, kind.name


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_arrays_are_as_its_layout_says(name: str, missing: bool) -> None:
    values, asked = EXAMPLES[name]
    cells = [None if missing and row % 5 == 0 else cell for row, cell in enumerate(values)]
    column, table = fitted(cells, asked)
    arrays = column.transform(table)
    widths = {array: column.layout.width(array) for array in ARRAYS}
    assert {array: part.shape for array, part in arrays.items()} == {
        array: (ROWS, width) for array, width in widths.items() if width
    }
    for array, part in arrays.items():
        assert part.dtype == ARRAYS[array] or (array == "numeric" and part.dtype == np.float64)
        assert np.isfinite(part).all()
        assert np.ptp(part, axis=0).any()  # it says something
    assert 0 <= column.layout.continuous <= len(column.layout.numeric)
    if "categories" in arrays:
        assert arrays["categories"].max() <= column.layout.levels
    if column.layout.bag:
        assert arrays["bags"].max() <= column.layout.bag.buckets
    if missing:
        assert column.layout.numeric[-1] == "column is missing"
        np.testing.assert_array_equal(arrays["numeric"][:, -1], np.arange(ROWS) % 5 == 0)


@pytest.mark.parametrize("name", KINDS)
def test_each_row_by_itself(name: str) -> None:
    column, table = fitted(*EXAMPLES[name])
    whole = column.transform(table)
    rows = np.random.default_rng(0).permutation(ROWS)[:11]
    for array, part in column.transform(table.take(rows)).items():
        np.testing.assert_array_equal(part, whole[array][rows])
    for part in column.transform(table.take(rows[:0])).values():
        assert len(part) == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_of_the_rows_is_enough_to_fit(name: str) -> None:
    column, table = fitted(*EXAMPLES[name], slice(0, 12))
    assert all(len(part) == ROWS for part in column.transform(table).values())


@pytest.mark.parametrize("name", KINDS)
def test_json_holds_everything_and_is_checked(name: str) -> None:
    values, asked = EXAMPLES[name]
    table = read_table(pd.DataFrame({"column": values, "y": LABELS}))
    whole = Preprocessor.fit(table, infer_schema(table, "y", types={"column": asked}))
    written = json.loads(json.dumps(whole.to_json()))
    assert Preprocessor.from_json(written) == whole
    (data,) = written["columns"]
    assert data["kind"] == name
    for key in data:
        for wrong in (None, {"a": 1}, -1.5):
            damaged = {**written, "columns": [{**data, key: wrong}]}
            if wrong == -1.5 and isinstance(data[key], float):
                continue
            with pytest.raises(ModelFileError):
                Preprocessor.from_json(damaged)


@pytest.mark.parametrize("name", KINDS)
def test_a_constant_column_is_left_out(name: str) -> None:
    values, asked = EXAMPLES[name]
    cell = next(iter(values))
    table = read_table({"column": [cell] * ROWS, "x": list(range(ROWS)), "y": LABELS})
    (left,) = infer_schema(table, "y", types={"column": asked}).left_out
    assert left.reason.startswith("the same value in every row")


@pytest.mark.parametrize("name", KINDS)
def test_a_column_without_values_is_left_out(name: str) -> None:
    _, asked = EXAMPLES[name]
    table = read_table({"column": [None] * ROWS, "x": list(range(ROWS)), "y": LABELS})
    (left,) = infer_schema(table, "y", types={"column": asked}).left_out
    assert left.reason == "no value in any row"


@pytest.mark.parametrize("name", KINDS)
def test_the_guide_explains_it(name: str) -> None:
    guide = Path(__file__).parents[2] / "docs" / "columns.md"
    assert f"| `{name}" in guide.read_text(encoding="utf-8")


def test_names_that_clash_with_names_of_our_own() -> None:
    columns = {
        "a": [None, *range(1, ROWS)],
        "a is missing": [0.5, 1.5] * (ROWS // 2),
        "s": ["u", "v"] * (ROWS // 2),
        "s=u": ["v", "u", "u", "v"] * (ROWS // 4),
        "prediction": list(range(ROWS)),
        "数 ünï": [row % 7 for row in range(ROWS)],
        "y": LABELS,
    }
    table = read_table(columns)
    whole = Preprocessor.fit(table, infer_schema(table, "y"))
    assert whole.transform(table)["numeric"].shape == (ROWS, len(whole.numeric_names))
    assert whole.numeric_names.count("a is missing") == 2


def test_fifty_thousand_levels() -> None:
    names = [f"level {row}" for row in range(50_000)]
    table = read_table(
        {"s": [*names, names[0]], "x": [0.5] * 50_000 + [1], "y": [*"ab" * 25_000, "a"]}
    )
    whole = Preprocessor.fit(table, infer_schema(table, "y"))
    assert whole.levels == (50_000,)
    assert len(np.unique(whole.transform(table)["categories"])) == 50_000


def test_kinds_on_the_command_line() -> None:
    assert kinds(["a=ordinal:x<y=z<w", "b=c=numeric:comma"]) == {
        "a": "ordinal:x<y=z<w",
        "b=c": "numeric:comma",
    }
    assert parse_kind("ordinal: a < b")[1] == ("a", "b")
    for asked, told in (("text:long", "write text, not text:long"), ("ordinl", "'ordinal'")):
        with pytest.raises(ConfigurationError, match=told):
            parse_kind(asked)


# Booleans


@pytest.mark.parametrize(
    ("values", "truth"),
    [
        (["ja", "nein", None], [1, -1, 0]),
        (["TRUE", "False", "true"], [1, -1, 1]),
        (["y", "n", "Y"], [1, -1, 1]),
        ([True, False, None], [1, -1, 0]),
        (["1", "no", "0"], [1, -1, -1]),
        ([1, 0, 7], [1, -1, 0]),
        (["yes", "perhaps", "no"], [1, 0, -1]),
    ],
)
def test_truth_in_words(values: list[Any], truth: list[float]) -> None:
    column = BooleanColumn(name="b", indicator=False)
    table = read_table({"b": values})
    assert column.transform(table)["numeric"][:, 0].tolist() == truth
    assert column.unseen(table) == tuple(str(each) for each in values if each in (7, "perhaps"))


@pytest.mark.parametrize(
    "values", [["yes", "no", "perhaps"], ["y", "m"], ["yes", "yes"], ["f", "m"]]
)
def test_other_words_are_categories(values: list[str]) -> None:
    cells = (values * ROWS)[: ROWS - 1]
    table = read_table({"b": [None, *cells], "y": LABELS})
    assert infer_schema(table, "y").features[0].kind == "categorical"


def test_what_is_said_to_be_boolean_and_is_not() -> None:
    table = read_table({"b": ["yes", "perhaps"] * (ROWS // 2), "y": LABELS})
    with pytest.raises(DataError, match="row 2, column 'b': 'perhaps' is neither true nor false"):
        infer_schema(table, "y", types={"b": "boolean"})


# Ordered levels


def ordered_frames() -> dict[str, Any]:
    categories = pd.Categorical(SIZES, ["small", "middle", "large"], ordered=True)
    indices = pa.array([["small", "middle", "large"].index(each) for each in SIZES], pa.int8())
    arrow = pa.DictionaryArray.from_arrays(indices, ["small", "middle", "large"], ordered=True)
    return {
        "pandas": pd.DataFrame({"s": categories, "y": LABELS}),
        "arrow": pa.table({"s": arrow, "y": LABELS}),
    }


@pytest.mark.parametrize("library", ["pandas", "arrow"])
def test_ordered_columns_of_frames(library: str) -> None:
    table = read_table(ordered_frames()[library])
    schema = infer_schema(table, "y")
    assert schema.features[0].kind == "ordinal"
    assert schema.features[0].how == ("small", "middle", "large")
    found = Preprocessor.fit(table, schema, scaling="none").transform(table)["numeric"][:, 0]
    assert found.tolist() == [0.0, 1.0, 2.0, 1.0] * (ROWS // 4)


def test_levels_that_hold_signs_of_order() -> None:
    levels = ["<18", "18<30", ">30"]
    frame = pd.DataFrame({"s": pd.Categorical(levels * 8, levels, ordered=True), "y": LABELS[:24]})
    column = Preprocessor.fit(read_table(frame), infer_schema(read_table(frame), "y")).columns[0]
    assert isinstance(column, OrdinalColumn)
    assert column.levels == tuple(levels)


def test_numbers_in_order() -> None:
    frame = pd.DataFrame({"s": pd.Categorical([3, 1, 2] * 8, [3, 1, 2], ordered=True)})
    assert read_table(frame).column("s").texts()[:3] == ["3", "1", "2"]
    schema = infer_schema(read_table(frame.assign(y=LABELS[:24])), "y")
    assert schema.features[0].how == ("3", "1", "2")


def test_a_level_without_a_rank() -> None:
    table = read_table({"s": SIZES, "y": LABELS})
    with pytest.raises(
        DataError, match=r"row 2, column 's': 'middle' is not in the order .*'midle'"
    ):
        infer_schema(table, "y", types={"s": "ordinal:small<midle<large"})
    for asked, told in (("ordinal", "s=ordinal:"), ("ordinal:small<<large", "twice, or none")):
        with pytest.raises(ConfigurationError, match=told):
            infer_schema(table, "y", types={"s": asked})
    schema = infer_schema(table, "y", types={"s": "ordinal:small<middle<large"})
    whole = Preprocessor.fit(table, schema, scaling="none")
    later = read_table({"s": ["huge", "large", None]})
    assert whole.transform(later)["numeric"].tolist() == [[1.0], [2.0], [1.0]]  # the median
    assert whole.unseen_levels(later) == {"s": ("huge",)}


# Texts


@given(st.text(max_size=30))
def test_grams_against_their_definition(text: str) -> None:
    words = "".join(c if c.isalnum() or c == "_" else " " for c in text.lower()).split()
    if all(c.isalnum() or c == "_" or not (c.isprintable() and c.isidentifier()) for c in text):
        pairs = [f"{words[i - 1]} {words[i]}" for i in range(1, len(words))]
        pieces = [
            f"<{word}>"[i : i + n]
            for word in dict.fromkeys(words)
            for n in (3, 4)
            for i in range(len(word) + 3 - n)
        ]
        assert list(grams(text)) == [*words, *pairs, *pieces]


@given(
    st.lists(st.text(max_size=40), min_size=1, max_size=5), st.integers(1, 500), st.integers(1, 9)
)
def test_bags_against_their_definition(texts: list[str], buckets: int, length: int) -> None:
    found = bags_of_codes(texts, buckets, length)
    longest = 0
    for text, row in zip(texts, found, strict=True):
        codes = [1 + crc32(g.encode("utf-8", "surrogatepass")) % buckets for g in grams(text)]
        codes = list(dict.fromkeys(codes))
        longest = max(longest, len(codes))
        assert row.tolist() == (codes + [0] * length)[:length]
    assert most_codes(texts, buckets, 1000) == longest
    assert most_codes(texts, buckets, 3) == min(longest, 3)


def test_codes_never_change() -> None:
    # They are in model files: these were written by the first version that knew texts.
    assert code_of("penguin", 8192) == 289
    assert bags_of_codes(["Größe: 12 cm"], 8192, 6).tolist() == [
        [2442, 1230, 6015, 3419, 5473, 2199]
    ]


TEXTS: dict[str, tuple[list[str], str]] = {
    "sentences": (SENTENCES, "text"),
    "names": ([f"Braund, Mr. Owen {row}" for row in range(ROWS)], "text"),
    "half of them twice": ([*SENTENCES[:20], *SENTENCES[:20]], "text"),
    "few sentences": ([*SENTENCES[:4]] * 10, "categorical"),
    "identifiers": ([f"k{row}" for row in range(ROWS)], "left out"),
    "two words": ([f"ticket {row}" for row in range(ROWS)], "left out"),
    "numbers with blanks": ([f"A {row} B {row} C" for row in range(ROWS)], "left out"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_free_text(name: str) -> None:
    values, kind = TEXTS[name]
    table = read_table({"t": values, "x": [1.5, 2.5] * (ROWS // 2), "y": LABELS})
    schema = infer_schema(table, "y")
    assert {each.name: each.kind for each in schema.features}.get("t", "left out") == kind
    forced = infer_schema(table, "y", types={"t": "text"})
    assert forced.features[0].kind == "text"
    assert infer_schema(table, "y", types={"t": "drop"}).left_out[0].name == "t"


def test_a_long_text_is_cut_and_others_padded() -> None:
    column, table = fitted(["one", *SENTENCES[1:]], "text")
    assert isinstance(column, FreeTextColumn)
    assert 0 in column.transform(table)["bags"]
    long = read_table({"column": [" ".join(SENTENCES) * 50, "", "?!"]})
    bags = column.transform(long)["bags"]
    assert (bags[0] > 0).all()
    assert not bags[1:].any()
