"""Contractions against NumPy: all transposes, batches, edges of tiles and blocks, all widths."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from codegen.contractions import Product, run
from codegen.native import TARGETS, widths
from steepest.codegen import contract_plan
from steepest.codegen.contract import contraction
from steepest.codegen.contract_plan import Panel, planned, split
from steepest.ir.types import DType, float32, float64, int32, int64
from steepest.schedule.kernels import Role

FORMS = ("nn", "nt", "tn", "tt")
EDGES = (0, 1, 2, 3, 15, 16, 17, 31, 47, 48, 49)
DEPTHS = (*EDGES, 255, 256, 257, 600)


@given(
    m=st.sampled_from((*EDGES, 100)),
    k=st.sampled_from(DEPTHS),
    n=st.sampled_from((*EDGES, 100)),
    form=st.sampled_from(FORMS),
    batch=st.sampled_from([(), (), (1,), (3,), (0,), (2, 2)]),
    lanes=st.sampled_from(widths()),
    dtype=st.sampled_from([float32, float32, float64]),
    roles=st.sampled_from([("scratch", "scratch"), ("table", "scratch"), ("table", "table")]),
)
@settings(max_examples=40, deadline=None)
def test_sums_of_whole_numbers_are_exact(
    m: int,
    k: int,
    n: int,
    form: str,
    batch: tuple[int, ...],
    lanes: int,
    dtype: DType,
    roles: tuple[Role, Role],
) -> None:
    product = Product((*batch, m, k, n), form, dtype, roles)
    values = product.values()
    found = run(product.kernel(), values, lanes)[product.c]
    np.testing.assert_array_equal(found, values[product.a] @ values[product.b])


# The widest and the narrowest: those of 16 and 8 lanes are held against each other below.
@pytest.mark.parametrize("lanes", sorted({widths()[0], widths()[-1]}))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(70, 300, 700), (257, 513, 100), (784, 128, 80), (64, 10, 100)])
def test_large_ones_go_through_panels_strip_by_strip(
    shape: tuple[int, ...], form: str, lanes: int
) -> None:
    product = Product(shape, form)
    values = product.values(1)
    found = run(product.kernel(), values, lanes)[product.c]
    np.testing.assert_array_equal(found, values[product.a] @ values[product.b])


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(9, 31, 23), (2, 31, 19), (65, 261, 270)])
def test_nothing_is_read_behind_a_table(shape: tuple[int, ...], form: str, lanes: int) -> None:
    """A table's last byte is the last of a page, and the next page is forbidden."""
    product = Product(shape, form, float32, ("table", "table"))
    values = product.values(5)
    found = run(product.kernel(), values, lanes)[product.c]
    np.testing.assert_array_equal(found, values[product.a] @ values[product.b])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [int32, int64])
def test_integers_wrap(dtype: DType, form: str) -> None:
    product = Product((5, 300, 19), form, dtype)
    random = np.random.default_rng(2)
    limits = np.iinfo(dtype)
    values = {
        each: random.integers(limits.min, limits.max, each.extents, dtype)
        for each in (product.a, product.b)
    }
    found = run(product.kernel(), values, widths()[0])[product.c]
    np.testing.assert_array_equal(found, values[product.a] @ values[product.b])


@pytest.mark.parametrize("dtype", [float32, float64])
@pytest.mark.parametrize("shape", [(64, 1024, 64), (100, 100, 100), (33, 257, 65), (16, 3000, 16)])
def test_errors_are_no_larger_than_those_of_numpy(shape: tuple[int, ...], dtype: DType) -> None:
    product = Product(shape, "nn", dtype)
    values = product.normal(3)
    a, b = values[product.a], values[product.b]
    wide = np.longdouble if dtype == float64 else np.float64
    exact = a.astype(wide) @ b.astype(wide)
    found = run(product.kernel(), values, widths()[0])[product.c]
    ours, theirs = (np.sqrt(np.mean((each - exact) ** 2)) for each in (found, a @ b))
    assert ours <= 1.5 * theirs


# ------------------------------------------------------------------------------------ equal bits


def _bits(product: Product, lanes: int) -> bytes:
    found = run(product.kernel(), product.normal(4), lanes)[product.c]
    return np.ascontiguousarray(found).tobytes()


@pytest.mark.skipif(widths()[0] < 16, reason="this machine has no vectors of 16")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(37, 300, 90), (3, 5001, 20), (70, 600, 300)])
def test_16_and_8_lanes_give_equal_bits(shape: tuple[int, ...], form: str) -> None:
    product = Product(shape, form)
    assert _bits(product, 16) == _bits(product, 8)


@pytest.mark.parametrize("form", ["nt", "tn"])
def test_tile_shapes_do_not_change_bits(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product((45, 700, 100), form)
    expected = _bits(product, widths()[0])
    for shape in ((1, 1), (2, 3), (5, 2), (14, 2), (22, 1), (6, 4)):

        def tile(*_: int, shape: tuple[int, int] = shape) -> tuple[int, int]:
            return shape

        monkeypatch.setattr(contract_plan, "tile", tile)
        assert _bits(product, widths()[0]) == expected, shape


@pytest.mark.parametrize("form", ["nn", "tn"])
def test_panels_do_not_change_bits(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product((45, 700, 100), form)
    kernel = product.kernel()
    expected = _bits(product, widths()[0])
    assert planned(kernel, TARGETS[widths()[0]]).panel == "none"
    panels: tuple[Panel, ...] = ("copied", "gathered")
    for panel in panels:

        def panel_of(*_: object, panel: Panel = panel) -> Panel:
            return panel

        monkeypatch.setattr(contract_plan, "panel_of", panel_of)
        assert _bits(product, widths()[0]) == expected, panel


# ------------------------------------------------------------------------------ blocks of products


def _at_the_boundary(form: str, lanes: int) -> float:
    """What is added to 2²⁴ within the same chain as it is lost; a second chain's sum is not."""
    product = Product((5, 259, 3), form)
    a = np.zeros((5, 259), np.float32)
    a[:, 0] = 2.0**24
    a[:, 255:258] = 1
    values = {product.a: a, product.b: np.ones((259, 3), np.float32)}
    found = run(product.kernel(), values, lanes)[product.c]
    assert (found == found[0, 0]).all()
    return float(found[0, 0])


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("form", FORMS)
def test_chains_end_after_256_products(form: str, lanes: int) -> None:
    assert _at_the_boundary(form, lanes) == 2.0**24 + 2


@pytest.mark.parametrize("length", [254, 255, 257, 258])
def test_another_length_would_be_noticed(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("contract_blocks", "contract_frame"):
        monkeypatch.setattr(f"steepest.codegen.{module}.BLOCK", length)
    assert _at_the_boundary("nn", widths()[0]) != 2.0**24 + 2


def test_chains_of_lanes_along_the_products_end_after_256_turns() -> None:
    """The same with few rows: a lane sees each 16th product."""
    product = Product((2, 259 * 16, 3), "nt")
    a = np.zeros((2, 259 * 16), np.float32)
    a[:, 0] = 2.0**24
    a[:, 16 * 255 : 16 * 258 : 16] = 1
    for lanes in widths():
        values = {product.a: a, product.b: np.ones((259 * 16, 3), np.float32)}
        found = run(product.kernel(), values, lanes)[product.c]
        assert (found == 2.0**24 + 2).all()


def test_nan_and_infinity_reach_their_own_sums_only() -> None:
    product = Product((20, 300, 40))
    values = product.values()
    values[product.a][3, 299] = np.nan
    values[product.b][7, 5] = np.inf
    found = run(product.kernel(), values, widths()[0])[product.c]
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found, values[product.a] @ values[product.b])


# ------------------------------------------------------------------------------------ plan, text


@given(extent=st.integers(0, 5000), most=st.integers(1, 40))
def test_split_is_whole_and_nearly_even(extent: int, most: int) -> None:
    runs = split(extent, most)
    assert sum(each.size * each.count for each in runs) == extent
    assert all(0 < each.size <= most and each.count > 0 for each in runs)
    assert [each.start for each in runs] == [0, *(each.stop for each in runs)][: len(runs)]
    sizes = [each.size for each in runs]
    assert sizes == sorted(sizes, reverse=True)
    assert not sizes or sizes[0] - sizes[-1] <= 1


@pytest.mark.parametrize("lanes", widths())
def test_layers_of_equal_tiling_share_a_body(lanes: int) -> None:
    shapes = [(84, 128, 192), (168, 96, 384), (252, 192, 192), (336, 90, 288)]
    bodies = {contraction(Product(each).kernel(), TARGETS[lanes]).body for each in shapes}
    assert len(bodies) == 1


def test_text_is_the_same_each_time() -> None:
    kernels = [Product((33, 300, 70), form).kernel() for form in ("nt", "nt")]
    first, second = (contraction(each, TARGETS[16]) for each in kernels)
    assert first.body == second.body
