"""Whatever is added to a registry is exported too, or a test says that it is not."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import given, strategies

from export.fitted import fitted, rows
from kit.draw import generator, inputs
from steepest.data.kinds import KINDS
from steepest.data.kinds.datetime import part_of
from steepest.data.scaling import SCALINGS
from steepest.data.target_scale import TargetScale
from steepest.export.columns import CLIPS, EXPORTS, groups_of, prepared, year_and_month
from steepest.export.to_onnx.spellings import spellings
from steepest.export.to_python.expressions import EXPRESSIONS, Asked, Expression
from steepest.export.to_python.rows import FUNCTIONS
from steepest.ir.op import OPS, Op
from steepest.ir.types import float32, float64
from steepest.tabular import heads
from steepest.tabular.decision import Decision
from steepest.tensor.tensor import Tensor

# An exported model knows these fields. A new one that changes predictions is exported first.
FIELDS = {
    heads.ClassHead: {"loss", "classes", "decision"},
    heads.LabelHead: {"loss", "targets", "decision"},
    heads.NumberHead: {"loss", "names", "units"},
    heads.QuantileHead: {"loss", "levels", "name", "units"},
    heads.Standardised: {"scales"},
    heads.Counted: {"means"},
    TargetScale: {"centre", "scale", "transform"},
}
STRUCTS = {
    "numeric": {"name", "centre", "scale", "scaling", "fill", "indicator", "written"},
    "categorical": {"name", "levels", "missing", "one_hot"},
    "boolean": {"name", "indicator"},
    "ordinal": {"levels", "number"},
    "datetime": {"name", "order", "numbers", "cycles", "indicator"},
    "text": {"name", "buckets", "length", "indicator"},
}
NOT_WRITTEN = {"random_bits", "scatter_add", "place", "broadcast_to"}


def test_every_kind_of_column_is_exported() -> None:
    assert set(EXPORTS) == set(KINDS)
    assert set(CLIPS) == set(SCALINGS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_fitted_column_is_known(kind: str) -> None:
    fields = {each.name for each in msgspec.structs.fields(KINDS[kind].fitted)}
    assert fields == STRUCTS[kind]


@pytest.mark.parametrize("head", FIELDS)
def test_every_field_of_a_head_is_known(head: type) -> None:
    assert {each.name for each in dataclasses.fields(head)} == FIELDS[head]
    named = {value for value in vars(heads).values() if isinstance(value, type)}
    bases = {heads.Head, heads.Units}
    assert {each for each in named if issubclass(each, tuple(bases))} - bases <= set(FIELDS)
    decided = {each.name for each in msgspec.structs.fields(Decision)}
    assert {"temperature", "costs"} <= decided


@pytest.mark.parametrize("name", ["classes", "standardised", "plain numbers", "one-hot"])
def test_groups_compute_what_the_preprocessor_does(name: str) -> None:
    model = fitted(name)
    table = model.read(rows(200, 5, odd=True, huge=1e299).cells)
    wanted = model.preprocessor.transform(table, np.dtype(float64))["numeric"]
    names = [each.name for each in model.preprocessor.columns]
    layouts = [each.layout for each in model.preprocessor.columns]
    firsts = np.cumsum([0, *(len(each.numeric) for each in layouts)])
    bound = rows(200, 5, odd=True, huge=1e299).bound
    for group in groups_of(model.preprocessor.columns):
        columns = [bound[each.name] for each in group.columns]
        if group.codes and group.cell in ("text", "word"):
            tables = [spellings(codes, group.cell) for codes in group.codes.values()]
            columns = [
                np.array([[codes.get(text, 0)] for text in column[:, 0]])
                for codes, column in zip(tables, columns, strict=True)
            ]
        cells = Tensor(np.concatenate(columns, axis=1).astype(group.rows.dtype), None)
        for array, (values, places) in prepared(group, cells).items():
            if array == "numeric":
                order = [int(firsts[names.index(column)]) + which for column, which in places]
                np.testing.assert_allclose(values.data, wanted[:, order], rtol=1e-12, atol=1e-7)


@given(strategies.lists(strategies.integers(-700_000, 2_900_000), min_size=1))
def test_days_are_taken_apart_as_numpy_does(days: list[int]) -> None:
    moments = np.array(days, "datetime64[D]").astype("datetime64[us]")
    year, month = year_and_month(Tensor(np.array(days, np.float64), None))
    np.testing.assert_array_equal(year.data, part_of(moments, "year"))
    np.testing.assert_array_equal(month.data, part_of(moments, "month"))


def test_every_op_is_an_expression_or_left_out_on_purpose() -> None:
    assert set(OPS) == set(EXPRESSIONS) | NOT_WRITTEN
    assert not set(EXPRESSIONS) & NOT_WRITTEN


@pytest.mark.parametrize("name", sorted(set(EXPRESSIONS) - {"position"}))
def test_an_expression_computes_what_the_op_means(name: str) -> None:
    op: Op = OPS[name]
    for dtype in (float32, float64):
        for case in op.cases:
            arrays = inputs(case, generator(), dtype)
            expected = op.reference(*arrays, **case.attributes)
            asked = Asked(
                case.attributes,
                arrays[0].dtype.kind if arrays else "",
                tuple(each.shape for each in arrays),
                expected.shape,
                "0",
            )
            texts = [Expression(f"x{place}") for place in range(len(arrays))]
            written = EXPRESSIONS[name](asked, *texts).text
            space = {f"x{place}": each for place, each in enumerate(arrays)}
            found = np.asarray(eval(written, {"np": np, **FUNCTIONS, **space}))
            assert (found.dtype.kind, found.shape) == (expected.dtype.kind, expected.shape)
            np.testing.assert_allclose(found, expected, rtol=1e-6)


NESTED = ["a - (b - c)", "(a + b) * c", "a / (b / c)", "(a < b) == c", "-(a + b)", "(-a).T"]


def test_parentheses_stand_where_they_must() -> None:
    a, b, c = map(Expression, "abc")
    asked = Asked({"axes": (1, 0)}, "f", (), (), "0")
    write = EXPRESSIONS
    found = [
        write["subtract"](asked, a, write["subtract"](asked, b, c)),
        write["multiply"](asked, write["add"](asked, a, b), c),
        write["divide"](asked, a, write["divide"](asked, b, c)),
        write["equal"](asked, write["less"](asked, a, b), c),
        write["negative"](asked, write["add"](asked, a, b)),
        write["permute_dims"](asked, write["negative"](asked, a)),
    ]
    assert [each.text for each in found] == NESTED
