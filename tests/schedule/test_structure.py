"""What a schedule looks like: how many kernels some networks take, and what is in them."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import steepest as st
from schedule.run import check_steps
from steepest.ir.graph import Graph
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.scalar import ordered
from steepest.ir.types import Shape, TensorType, float32, is_floating
from steepest.optim.rule import Rule
from steepest.rewrite import rewrite
from steepest.schedule.kernels import AnyKernel, Buffer, Contraction, Draw, Folds, Kernel
from steepest.schedule.plan import InputRole, Schedule, buffers_of, schedule
from steepest.schedule.text import text


def step_of(
    sizes: Sequence[int],
    optimizer: Rule,
    *,
    batch: int,
    guarded: bool = True,
    l2: float = 0.0,
    dropout: float = 0.0,
) -> Schedule:
    """The schedule of a training step of a multilayer perceptron."""
    model = st.nn.MLP(sizes[0], list(sizes[1:-1]), sizes[-1], dropout=dropout)
    trainer = st.Trainer(model, "cross_entropy", optimizer, l2=l2)
    rows = np.zeros(2 * batch, np.int64)
    graph = trainer.graph(np.zeros((2 * batch, sizes[0]), float32), rows, batch_size=batch)
    graph = rewrite(graph).graph
    return schedule(graph, roles_of(graph), guarded=guarded)


def roles_of(graph: Graph) -> list[InputRole]:
    updated = {state for state, _ in graph.updates}

    def role(node: Node) -> InputRole:
        if node in updated:
            return "state"
        return "table" if node.name in ("x", "y") else "whole" if node.name == "key" else "stepped"

    return [role(node) for node in graph.inputs]


def written(kernel: AnyKernel) -> list[Buffer]:
    """The memory that a kernel writes."""
    if isinstance(kernel, Kernel):
        return [store.access.buffer for store in kernel.stores]
    return []


def cells_written(kernel: AnyKernel) -> set[str]:
    return {each.name for each in written(kernel) if each.role == "state"}


def with_cell(plan: Schedule, name: str) -> Kernel:
    """The only kernel that writes a cell."""
    (found,) = [kernel for kernel in plan.kernels if name in cells_written(kernel)]
    assert isinstance(found, Kernel)
    return found


@pytest.fixture(scope="module")
def digits() -> Schedule:
    """64 inputs, 100 hidden units, 10 classes, Adam."""
    return step_of([64, 100, 10], st.optim.Adam(0.001), batch=64, guarded=False)


def test_a_step_of_digits_takes_few_kernels(digits: Schedule) -> None:
    assert len(digits.kernels) <= 16, text(digits)


def test_a_deeper_step_takes_four_kernels_more_for_each_layer() -> None:
    """Forward; the gradient by its input; by weights and by bias, with their updates."""
    shallow, deep = (
        len(step_of([30, *[40] * n, 5], st.optim.Adam(), batch=32).kernels) for n in (2, 6)
    )
    assert deep - shallow <= 4 * 4


@pytest.mark.parametrize("layer", [0, 2])
def test_the_gradient_of_weights_and_adam_are_one_kernel(digits: Schedule, layer: int) -> None:
    name = f"layers.{layer}.weight"
    kernel = with_cell(digits, name)
    assert isinstance(kernel.reduction, Contraction)
    assert cells_written(kernel) == {name, f"{name}/mean", f"{name}/mean_square"}
    assert len(kernel.stores) == 3


@pytest.mark.parametrize("layer", [0, 2])
def test_the_gradient_of_a_bias_and_adam_are_one_kernel(digits: Schedule, layer: int) -> None:
    name = f"layers.{layer}.bias"
    kernel = with_cell(digits, name)
    assert isinstance(kernel.reduction, Folds)
    assert cells_written(kernel) == {name, f"{name}/mean", f"{name}/mean_square"}


def test_no_gradient_of_weights_is_kept(digits: Schedule) -> None:
    """The largest values in scratch memory are those of the batch."""
    shapes = {each.extents for each in digits.scratch.offsets}
    assert not shapes & {(100, 64), (64, 100, 1), (10, 100)}


def test_bias_and_activation_are_in_the_kernel_of_the_product(digits: Schedule) -> None:
    products = [
        kernel
        for kernel in digits.kernels
        if isinstance(kernel, Kernel)
        and isinstance(kernel.reduction, Contraction)
        and not cells_written(kernel)
    ]
    hidden, logits, back = products
    assert {each.name for each in buffers_of(hidden)} >= {"layers.0.bias"}
    assert "relu" in hidden.name
    assert {each.name for each in buffers_of(logits)} >= {"layers.2.bias"}
    assert len(written(back)) == 1  # times where relu let through


def test_all_numbers_of_a_step_are_computed_in_one_kernel(digits: Schedule) -> None:
    numbers = [
        kernel
        for kernel in digits.kernels
        if isinstance(kernel, Kernel) and kernel.reduction is None and kernel.space == (1,)
    ]
    assert len(numbers) <= 1
    assert len([kernel for kernel in digits.kernels if "step" in cells_written(kernel)]) == 1


@pytest.mark.parametrize(
    "optimizer",
    [
        st.optim.SGD(0.1),
        st.optim.Momentum(0.1),
        st.optim.Nesterov(0.1),
        st.optim.Adam(),
        st.optim.AdamW(),
    ],
    ids=lambda rule: type(rule).__name__,
)
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_every_update_is_made_in_place(optimizer: Rule, l2: float) -> None:
    plan = step_of([5, 8, 3], optimizer, batch=20, l2=l2)
    assert not [kernel for kernel in plan.kernels if kernel.name == "copy"]
    for kernel in plan.kernels:
        for name in cells_written(kernel):
            if name.endswith(("weight", "bias")):
                assert isinstance(kernel, Kernel)
                assert kernel.reduction is not None, name


def test_dropout_costs_a_draw_for_each_layer_and_nothing_else() -> None:
    plain, dropping = (
        step_of([5, 8, 8, 3], st.optim.SGD(0.1), batch=20, dropout=rate).kernels
        for rate in (0.0, 0.5)
    )
    draws = [kernel for kernel in dropping if isinstance(kernel, Draw)]
    assert len(draws) == 2
    assert len(dropping) - len(plain) <= len(draws) + 1  # the number of the step


def test_scratch_is_little_more_than_what_is_needed_at_once() -> None:
    for sizes, batch in (([64, 100, 10], 64), ([784, 256, 128, 10], 128), ([256] * 8, 64)):
        plan = step_of(sizes, st.optim.Adam(), batch=batch)
        assert plan.scratch.size <= 1.15 * plan.scratch.peak


# -------------------------------------------------------------------------------- single functions


def kernels_for(
    function: Callable[..., Node], *shapes: Shape, role: InputRole = "stepped"
) -> list[AnyKernel]:
    """The kernels of a function, which has been seen to compute what it should."""
    nodes = [placeholder(TensorType(shape, float32)) for shape in shapes]
    graph = rewrite(Graph(tuple(nodes), (function(*nodes),))).graph
    random = np.random.default_rng(3)
    values = [random.uniform(0.5, 1.5, shape).astype(float32) for shape in shapes]
    roles: list[InputRole] = [role for _ in nodes]
    return list(check_steps(graph, roles, values).kernels)


def softmax(x: Node, axis: int = -1) -> Node:
    kept = tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    top = OPS["reshape"](OPS["reduce_max"](x, axes=(axis % x.ndim,)), shape=kept)
    powers = OPS["exp"](OPS["subtract"](x, top))
    return OPS["divide"](
        powers, OPS["reshape"](OPS["reduce_sum"](powers, axes=(axis % x.ndim,)), shape=kept)
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_a_softmax_takes_at_most_four_kernels(axis: int) -> None:
    assert len(kernels_for(lambda x: softmax(x, axis), (20, 17))) <= 4


def test_a_chain_of_pointwise_ops_is_one_kernel() -> None:
    def chain(x: Node) -> Node:
        for _ in range(10):
            x = OPS["add"](OPS["multiply"](x, x), 0.5)
        return OPS["tanh"](x)

    assert len(kernels_for(chain, (20, 17))) == 1


def test_what_a_sum_adds_up_is_computed_in_it() -> None:
    kernels = kernels_for(
        lambda x, y: OPS["reduce_sum"](OPS["exp"](x * y), axes=(1,)), *[(20, 17)] * 2
    )
    assert len(kernels) == 1


def test_what_reads_the_same_is_one_kernel_whatever_is_between() -> None:
    shapes = [(20, 17), *((n, 17) for n in range(2, 9))]
    x, *others = (placeholder(TensorType(shape, float32)) for shape in shapes)
    outputs = (OPS["exp"](x), *map(OPS["exp"], others), OPS["tanh"](x))
    values = [np.full(shape, 0.5, float32) for shape in shapes]
    roles: list[InputRole] = ["stepped"] * len(shapes)
    plan = check_steps(Graph((x, *others), outputs), roles, values)
    assert len(plan.kernels) == len(shapes)


def test_what_is_joined_is_computed_where_it_goes() -> None:
    """A kernel for each part, though the whole is larger than what is computed."""
    kernels = kernels_for(lambda x, y: OPS["concat"](OPS["exp"](x), y, axis=0), (5, 17), (3, 17))
    assert [each.space for each in kernels if isinstance(each, Kernel)] == [(5, 17), (3, 17)]


@pytest.mark.parametrize("name", ["exp", "take"])
def test_what_is_repeated_is_computed_before(name: str) -> None:
    """In as many places as there are, not as it is read; what costs nothing is read again."""

    def repeated(x: Node) -> Node:
        positions = constant(np.array([3, 0, 16, 3, 1]))
        made = OPS["exp"](x) if name == "exp" else OPS["take"](x, positions, axis=0)
        return OPS["broadcast_to"](made, shape=(6, *made.shape))

    first, second = kernels_for(repeated, (17,))
    assert isinstance(first, Kernel)
    assert isinstance(second, Kernel)
    assert second.space == (6, *first.space)


WITH_KERNELS: list[Callable[[Node], Node]] = [
    lambda x: OPS["concat"](x, x, axis=0),
    lambda x: OPS["reduce_sum"](x, axes=(1,)),
    lambda x: OPS["cumulative_sum"](x, axis=1),
    lambda x: OPS["contract"](x, x, left=(0, 1), right=(2, 1), result=(0, 2)),
    lambda x: OPS["tanh"](x),
]


@pytest.mark.parametrize("make", WITH_KERNELS)
def test_what_nobody_needs_is_not_computed(make: Callable[[Node], Node]) -> None:
    """Only a value without elements is made of it."""

    def nothing(x: Node) -> Node:
        made = make(x)
        empty = OPS["cut"](made, cut=((0, 0, 1), *((0, n, 1) for n in made.shape[1:])))
        return OPS["reduce_sum"](empty, axes=(0,))

    node = placeholder(TensorType((3, 17), float32))
    graph = Graph((node,), (nothing(node),))
    values = [np.ones((3, 17), float32)]
    assert len(check_steps(graph, ["stepped"], values).kernels) == 1


def test_views_cost_nothing() -> None:
    def viewed(x: Node) -> Node:
        x = OPS["permute_dims"](OPS["reshape"](x, shape=(3, 4, 17)), axes=(1, 0, 2))
        x = OPS["cut"](x, cut=((3, -1, -1), (0, 3, 2), (0, 17, 1)))
        return OPS["exp"](OPS["broadcast_to"](x, shape=(2, 4, 2, 17)))

    assert len(kernels_for(viewed, (12, 17))) <= 2  # exp before it is repeated, and after


@pytest.mark.parametrize("role", ["stepped", "state"])
@pytest.mark.parametrize(
    ("left", "right", "result", "shapes"),
    [
        ((0, 1), (1, 2), (0, 2), [(5, 17), (17, 4)]),
        ((1, 0), (1, 2), (0, 2), [(17, 5), (17, 4)]),
        ((0, 1), (2, 1), (0, 2), [(5, 17), (4, 17)]),
        ((0, 1), (1, 2), (2, 0), [(5, 17), (17, 4)]),
        ((0, 1, 2), (0, 2, 3), (0, 1, 3), [(3, 5, 17), (3, 17, 4)]),
        ((0, 1), (1,), (0,), [(5, 17), (17,)]),
        ((0,), (0, 1), (1,), [(17,), (17, 4)]),
        ((0,), (0,), (), [(17,), (17,)]),
        ((0,), (1,), (0, 1), [(17,), (5,)]),
    ],
)
def test_a_product_is_one_kernel(
    left: tuple[int, ...],
    right: tuple[int, ...],
    result: tuple[int, ...],
    shapes: list[Shape],
    role: InputRole,
) -> None:
    def product(x: Node, y: Node) -> Node:
        return OPS["contract"](x, y, left=left, right=right, result=result)

    assert len(kernels_for(product, *shapes, role=role)) == 1


def test_tables_are_copied_for_a_product() -> None:
    """Their rows are not padded, which the kernels of products rely on."""
    kernels = kernels_for(
        lambda x, y: OPS["contract"](x, y, left=(0, 1), right=(1, 2), result=(0, 2)),
        (5, 17),
        (17, 4),
        role="table",
    )
    assert len(kernels) == 3
    product = kernels[-1]
    assert isinstance(product, Kernel)
    assert all(each.role != "table" for each in buffers_of(product))


def test_vectors_run_along_memory() -> None:
    """Sums over rows have their vectors in the rows, sums over columns across the columns."""
    across, down = (
        kernels_for(lambda x, axis=axis: OPS["reduce_sum"](x, axes=(axis,)), (20, 17))[0]
        for axis in (1, 0)
    )
    assert isinstance(across, Kernel)
    assert isinstance(down, Kernel)
    assert across.lanes == 1
    assert down.lanes == 0


def jumps(kernel: AnyKernel) -> list[str]:
    """The loads whose elements do not lie side by side along the vectors."""
    assert isinstance(kernel, Kernel)
    roots = [store.value for store in kernel.stores]
    if isinstance(kernel.reduction, Folds):
        roots += [each.value for each in kernel.reduction.folds]
    loads = [each.value for each in ordered(roots) if each.instruction == "load"]
    return [
        str(each)
        for each in loads
        if kernel.lanes < len(each.strides) and each.strides[kernel.lanes] not in (0, 1)
    ]


FUNCTIONS: dict[str, Callable[[Node, Node], Node]] = {
    "sum": lambda x, y: OPS["add"](x, y),
    "three to one": lambda x, y: OPS["add"](
        OPS["add"](turned(x), turned(y)), OPS["tanh"](turned(x))
    ),
    "sum over rows": lambda x, y: OPS["reduce_sum"](OPS["multiply"](x, y), axes=(1,)),
    "sum over columns": lambda x, y: OPS["reduce_sum"](OPS["multiply"](x, y), axes=(0,)),
    "all": lambda x, y: OPS["reduce_sum"](OPS["multiply"](x, y), axes=(0, 1)),
    "all turned": lambda x, y: OPS["reduce_max"](turned(OPS["add"](x, y)), axes=(0, 1)),
}


def turned(x: Node) -> Node:
    return OPS["permute_dims"](x, axes=(1, 0))


# Which axis is folded decides how sums over one axis run, not how state lies.
WHOLE = [
    (name, role)
    for name in FUNCTIONS
    for role in ("stepped", "state", "table")
    if role != "state" or not name.startswith("sum over")
]


@pytest.mark.parametrize(("name", "role"), WHOLE)
def test_vectors_are_loaded_whole(name: str, role: InputRole) -> None:
    """Whether memory is row by row, as for most values, or column by column, as for state."""
    for kernel in kernels_for(FUNCTIONS[name], (20, 17), (20, 17), role=role):
        assert not jumps(kernel)


def test_the_printed_schedule_holds_every_kernel_and_buffer(digits: Schedule) -> None:
    printed = text(digits)
    for number, kernel in enumerate(digits.kernels):
        assert f"kernel {number}: {kernel.name}\n" in printed
    for each in digits.scratch.offsets:
        assert f"  {each.name}: {each.dtype}[" in printed
    assert all(is_floating(each.dtype) or each.dtype.kind in "iub" for each in digits.inputs)
