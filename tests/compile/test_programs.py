"""Programs as a whole: what ends a run, what is kept on disk, what tells programs apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import steepest.compile as pipeline
from compile.native import Native, Outcome, check_close, native, processor_of, reference, source_of
from kit import workloads
from steepest.compile import compiled
from steepest.ir.graph import Graph
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import Array, DType, Shape, TensorType, float32, float64, int32, int64
from steepest.runtime.cache import ObjectCache, key_of
from steepest.schedule.plan import CannotSchedule, InputRole

STATE: InputRole = "state"
STEPPED: InputRole = "stepped"
WHOLE: InputRole = "whole"
TABLE: InputRole = "table"


def cell(*shape: int, dtype: DType = float32) -> Node:
    return placeholder(TensorType(shape, dtype))


def kinds(*roles: InputRole) -> list[InputRole]:
    return list(roles)


def numbers(*shape: int) -> Array:
    return np.random.default_rng(1).uniform(0.5, 1.5, shape).astype(float32)


# --------------------------------------------------------------------------------- what ends a run


def descent() -> Graph:
    """w moves along x; the loss is the first output, and its inverse may be anything."""
    w, x = cell(5, 19), cell(5, 19)
    loss = OPS["reduce_sum"](OPS["multiply"](w, x), axes=(0, 1))
    following = OPS["subtract"](w, OPS["multiply"](x, 0.1))
    return Graph((w, x), (loss, OPS["divide"](x, 0.0)), ((w, following),))


@pytest.mark.parametrize("lanes", [16, 8, 4])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_ends_the_run_before_state_changes(
    lanes: int, bad: float
) -> None:
    roles, x = kinds(STATE, STEPPED), numbers(6, 5, 19)
    x[3, 4, 18] = bad
    values = [numbers(5, 19), x]
    found = native(descent(), roles, values, 6, lanes, guarded=True)
    expected = reference(descent(), roles, values, 6, guarded=True)
    assert len(found.outputs[0]) == 3
    check_close(replace(found, failed=None), expected)
    program = Native(descent(), roles, lanes, guarded=True)
    program.put(values)
    assert program.run(values, 6).failed == program.plan.guard is not None


def test_without_a_guard_a_run_goes_on() -> None:
    roles, x = kinds(STATE, STEPPED), numbers(6, 5, 19)
    x[3] = np.nan
    values = [numbers(5, 19), x]
    check_close(native(descent(), roles, values, 6), reference(descent(), roles, values, 6))


def looked_up(axis: int, *, picks: bool) -> Graph:
    """Elements at positions that are checked, and a cell that could be changed before that."""
    w, x = cell(17, 19), cell(17, 19)
    shape = () if picks else (3, 7)
    at = cell(*(shape or (19 if axis == 0 else 17,)), dtype=int64)
    position = OPS["position"](at, extent=(17, 19)[axis])
    found = OPS["pick" if picks else "take"](x, position, axis=axis)
    return Graph((w, x, at), (found,), ((w, OPS["tanh"](w)),))


@pytest.mark.parametrize("role", [STEPPED, TABLE])
@pytest.mark.parametrize("outside", [10**12, -(10**12), 19, -20])
@pytest.mark.parametrize("picks", [True, False])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_position_far_outside_ends_the_run_unharmed(
    axis: int, *, picks: bool, outside: int, role: InputRole
) -> None:
    graph = looked_up(axis, picks=picks)
    shape = graph.inputs[2].shape
    good = np.random.default_rng(2).integers(-17, 17, shape)
    bad = good.copy()
    bad.reshape(-1)[-1] = outside
    roles = kinds(STATE, WHOLE, role)
    start = [numbers(17, 19), numbers(17, 19)]
    program = Native(graph, roles, NARROW)
    program.put([*start, good])

    def run(at: Array) -> Outcome:
        return program.run([*start, at[None] if role == STEPPED else at], 1)

    failed = run(bad)
    assert failed.failed is not None
    np.testing.assert_array_equal(failed.state[0], start[0])
    # The program is as good as new.
    values = [*start, good[None] if role == STEPPED else good]
    check_close(run(good), reference(graph, roles, values, 1))


NARROW = 8


@pytest.mark.parametrize("lanes", [16, 8, 4])
def test_positions_that_a_product_or_a_fold_gives_are_checked(lanes: int) -> None:
    x, y, t = cell(5, 3, dtype=int64), cell(3, 7, dtype=int64), cell(100)
    found = [
        OPS["contract"](x, y, left=(0, 1), right=(1, 2), result=(0, 2)),
        OPS["reduce_sum"](x, axes=(1,)),
        OPS["reduce_max"](x, axes=(0,)),
    ]
    positions = [OPS["position"](each, extent=100) for each in found]
    outputs = tuple(OPS["take"](t, each, axis=0) for each in positions)
    graph = Graph((x, y, t), outputs, ((t, OPS["tanh"](t)),))
    random, roles = np.random.default_rng(3), kinds(STATE, STATE, STATE)
    good = [random.integers(0, 5, (5, 3)), random.integers(0, 5, (3, 7)), numbers(100)]
    check_close(native(graph, roles, good, 2, lanes), reference(graph, roles, good, 2))
    for bad in ([good[0], good[1] * 10**9], [good[0] - 1000, good[1]]):
        failed = native(graph, roles, [*bad, good[2]], 2, lanes)
        assert failed.failed is not None
        np.testing.assert_array_equal(failed.state[2], good[2])


# -------------------------------------------------------------------------------- odd programs


def check(graph: Graph, roles: list[InputRole], values: list[Array], steps: int = 2) -> None:
    check_close(native(graph, roles, values, steps), reference(graph, roles, values, steps))


def test_programs_without_inputs_outputs_or_steps() -> None:
    w = cell(3, 19)
    three = constant(np.asarray(3.0, float32))
    many = constant(np.arange(57, dtype=float32).reshape(3, 19))
    check(Graph((), (three, many, OPS["exp"](many))), [], [])
    check(Graph((w,), (), ((w, OPS["add"](w, many)),)), [STATE], [numbers(3, 19)])
    check(Graph((w,), (w, three)), [STATE], [numbers(3, 19)])
    check(Graph((w,), (three,)), [STATE], [numbers(3, 19)], steps=0)
    check(Graph((), ()), [], [])


def test_values_without_elements() -> None:
    w, x, nothing = cell(0, 3), cell(3, 0), cell(0)
    total = OPS["reduce_sum"](x, axes=(1,))
    joined = OPS["concat"](OPS["reshape"](w, shape=(0,)), total, axis=0)
    product = OPS["contract"](x, w, left=(0, 1), right=(1, 2), result=(0, 2))
    graph = Graph((w, x, nothing), (w, x, total, joined, product, nothing), ((w, w),))
    for roles in (kinds(STATE, TABLE, WHOLE), kinds(STATE, STEPPED, TABLE)):
        values: list[Array] = [np.zeros((0, 3), float32), np.zeros((3, 0), float32)]
        if roles[1] == STEPPED:
            values[1] = np.zeros((2, 3, 0), float32)
        check(graph, roles, [*values, np.zeros(0, float32)])


def test_other_tables_in_a_later_run() -> None:
    """The program reads the arrays that this run got, and forgets those of the run before."""
    x = cell(9, 19)
    graph = Graph((x,), (OPS["exp"](x),))
    program = Native(graph, [TABLE])
    for scale in (1.0, 0.5):
        values: list[Array] = [numbers(9, 19) * np.float32(scale)]
        check_close(program.run(values, 2), reference(graph, [TABLE], values, 2))


def test_runs_of_any_length_continue_each_other() -> None:
    workload = workloads.RULES["adam"](12)
    graph, roles, values = workload.graph, workload.roles, workload.values
    whole = native(graph, roles, values, 12)
    program = Native(graph, roles)
    program.put(values)
    parts = [program.run(values, n, first) for first, n in ((0, 5), (5, 1), (6, 6))]
    outputs = [np.concatenate(each) for each in zip(*(p.outputs for p in parts), strict=True)]
    assert Outcome(outputs, parts[-1].state).bits == whole.bits


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(40,), (1,), (5, 1), (3, 17, 4)])
def test_positions_of_extremes_are_the_first_of_equals_or_of_nan(shape: Shape, dtype: str) -> None:
    random = np.random.default_rng(2)
    steps, axes = 6, range(len(shape))
    x = random.integers(0, 3, (steps, *shape)).astype(dtype)
    if x.dtype.kind == "f":
        x[random.random(x.shape) < 0.1] = np.nan
        x[random.random(x.shape) < 0.1] = np.inf
        x[-1] = np.nan
        x[-2] = -np.inf
    node = cell(*shape, dtype=x.dtype)
    outputs = [OPS[name](node, axis=axis) for name in ("argmax", "argmin") for axis in axes]
    found = native(Graph((node,), tuple(outputs)), ["stepped"], [x], steps)
    expected = [find(x, axis + 1) for find in (np.argmax, np.argmin) for axis in axes]
    for ours, theirs in zip(found.outputs, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_op_for_the_reference_only_is_refused_by_name() -> None:
    x = cell(9)
    with pytest.raises(CannotSchedule, match="argsort"):
        Native(Graph((x,), (OPS["argsort"](x, axis=0),)), [WHOLE])


# ------------------------------------------------------------------------------------ kept on disk


def test_a_warm_cache_gives_the_same_bits_without_compiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = workloads.KINDS["dropout"](3)
    graph, roles, values = workload.graph, workload.roles, workload.values

    def run() -> Outcome:
        program = Native(graph, roles, guarded=True, cache=ObjectCache(tmp_path))
        program.put(values)
        return program.run(values, 3)

    cold = run()
    check_close(cold, reference(graph, roles, values, 3))

    def never(*_: object) -> None:
        raise AssertionError("this was compiled before")

    monkeypatch.setattr(pipeline, "stages", never)
    assert run().bits == cold.bits


def test_constants_come_from_the_cache_too(tmp_path: Path) -> None:
    big = np.random.default_rng(1).normal(size=(7, 300))
    parts = [constant(big), constant(big.astype(float32)), constant(np.arange(5) > 2)]
    outputs = tuple(OPS["logical_not"](e) if e.dtype.kind == "b" else e for e in parts)
    graph = Graph((), outputs)
    for _ in range(2):
        found = Native(graph, [], cache=ObjectCache(tmp_path)).run([], 1)
        check_close(found, reference(graph, [], [], 1))


# ----------------------------------------------------------------------------- what tells apart


def simple(
    *,
    number: float = 2.0,
    shape: Shape = (3, 19),
    dtype: DType = float32,
    axes: tuple[int, ...] = (0,),
    op: str = "tanh",
    constant_dtype: DType = float64,
    swapped: bool = False,
    outputs: int = 2,
    updates: int = 1,
    array: float = 1.0,
) -> Graph:
    """A graph in which each of these is somewhere."""
    x, y = cell(*shape, dtype=dtype), cell(*shape, dtype=dtype)
    z = OPS["subtract"](y, x) if swapped else OPS["subtract"](x, y)
    scaled = OPS["multiply"](OPS[op](z), number)
    more = constant(np.asarray([array, 2.0], constant_dtype))
    sums = OPS["reduce_sum"](scaled, axes=axes)
    cells = ((x, scaled), (y, scaled))
    return Graph((x, y), (sums, scaled, more)[:outputs], cells[:updates])


VARIANTS: dict[str, Callable[[], Graph]] = {
    "itself": simple,
    "number": lambda: simple(number=np.nextafter(2.0, 3.0, dtype=float32)),
    "sign of zero": lambda: simple(number=0.0),
    "negative zero": lambda: simple(number=-0.0),
    "shape": lambda: simple(shape=(19, 3)),
    "dtype": lambda: simple(dtype=float64),
    "axes": lambda: simple(axes=(1,)),
    "more axes": lambda: simple(axes=(0, 1)),
    "op": lambda: simple(op="sin"),
    "array": lambda: simple(array=1.5, outputs=3),
    "type of an array": lambda: simple(constant_dtype=float32, outputs=3),
    "order of operands": lambda: simple(swapped=True),
    "outputs": lambda: simple(outputs=1),
    "one more output": lambda: simple(outputs=3),
    "updates": lambda: simple(updates=0),
    "one more update": lambda: simple(updates=2),
}
KINDS: list[tuple[InputRole, InputRole]] = [
    (STATE, STATE),
    (STATE, WHOLE),
    (STATE, STEPPED),
    (STATE, TABLE),
]


def test_keys_differ_where_programs_do() -> None:
    keys = {
        (name, roles, guarded): source_of(make(), roles, guarded=guarded).key
        for name, make in VARIANTS.items()
        for roles in KINDS
        for guarded in (True, False)
        if name not in ("updates", "one more update") or roles == (STATE, STATE)
    }
    assert len(set(keys.values())) == len(keys)


def test_keys_of_equal_graphs_are_equal() -> None:
    """A graph is built anew in each process."""
    for make in VARIANTS.values():
        assert source_of(make(), [STATE, STATE]).key == source_of(make(), [STATE, STATE]).key


def test_the_order_of_results_and_of_inputs_matters() -> None:
    x, y = cell(3), cell(3)
    a, b = OPS["exp"](x), OPS["exp"](y)
    graphs = [
        Graph((x, y), (a, b)),
        Graph((x, y), (b, a)),
        Graph((y, x), (a, b)),
        Graph((x, y), (a, b), ((x, a),)),
        Graph((x, y), (a, b), ((y, a),)),
        Graph((x, y), (a, b), ((x, a), (y, b))),
        Graph((x, y), (a, b), ((x, b), (y, a))),
        Graph((x, y), (a, a)),
    ]
    keys = [source_of(graph, [STATE, STATE]).key for graph in graphs]
    # The second and the third are the same program but for the names of the inputs.
    assert keys[1] == keys[2]
    assert len(set(keys)) == len(keys) - 1


def test_places_of_state_are_part_of_the_key() -> None:
    source = source_of(simple(), [STATE, STATE])
    others = [
        replace(source, state_offsets=(source.state_offsets[0] + 64, source.state_offsets[1])),
        replace(source, state_offsets=source.state_offsets[::-1]),
        replace(source, state_bytes=source.state_bytes + 64),
    ]
    assert len({each.key for each in (source, *others)}) == 4


def test_positions_of_other_integer_types_are_other_programs() -> None:
    keys = [
        source_of(
            Graph((at := cell(3, dtype=dtype),), (OPS["position"](at, extent=n),)), [WHOLE]
        ).key
        for dtype in (int32, int64)
        for n in (3, 4)
    ]
    assert len(set(keys)) == 4


def test_each_processor_has_its_own_entry(tmp_path: Path) -> None:
    source = source_of(simple(), [STATE, STATE])
    assert len({key_of(source.key, processor_of(lanes)) for lanes in (16, 8, 4)}) == 3
    cache = ObjectCache(tmp_path)
    for lanes in (16, 8, 4):
        compiled(source, processor_of(lanes), cache)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) >= 3
