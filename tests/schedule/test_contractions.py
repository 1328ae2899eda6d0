"""Contractions of every pattern of labels, in every order, from every kind of memory."""

import itertools

import numpy as np
import pytest

from schedule.run import check_steps
from steepest.ir.graph import Graph
from steepest.ir.node import placeholder
from steepest.ir.op import OPS
from steepest.ir.types import TensorType, float32
from steepest.schedule.contractions import groups
from steepest.schedule.kernels import Contraction, Kernel
from steepest.schedule.plan import InputRole, Schedule

EXTENTS = (2, 3, 4, 5, 2, 3, 17, 2, 3)
COUNTS = list(itertools.product(range(3), repeat=4))
ROLES: list[InputRole] = ["state", "table", "stepped"]


def contracted(
    counts: tuple[int, ...], seed: int, role: InputRole, *, ones: bool = False
) -> Schedule:
    """So many labels that are shared, of the left only, of the right only, and summed."""
    random = np.random.default_rng(seed)
    ends = np.cumsum((0, *counts))
    batch, rows, columns, summed = (
        list(range(a, b)) for a, b in itertools.pairwise(map(int, ends))
    )
    extents: dict[int, int] = dict(enumerate(EXTENTS))
    if ones:
        extents.update({label: 1 for label in extents if random.random() < 0.4})
    left, right, result = (
        tuple(int(n) for n in random.permutation(part))
        for part in (
            [*batch, *rows, *summed],
            [*batch, *columns, *summed],
            [*batch, *rows, *columns],
        )
    )
    nodes = [
        placeholder(TensorType(tuple(extents[n] for n in own), float32)) for own in (left, right)
    ]
    product = OPS["contract"](*nodes, left=left, right=right, result=result)
    values = [random.normal(size=each.shape).astype(float32) for each in nodes]
    roles: list[InputRole] = [role, role]
    return check_steps(Graph(tuple(nodes), (OPS["tanh"](product), product)), roles, values)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("counts", COUNTS, ids=str)
def test_labels_of_all_kinds(counts: tuple[int, ...], role: InputRole) -> None:
    contracted(counts, sum(counts), role)


@pytest.mark.parametrize("counts", COUNTS, ids=str)
def test_labels_of_extent_one(counts: tuple[int, ...]) -> None:
    for seed in range(3):
        contracted(counts, seed, "stepped", ones=True)


@pytest.mark.parametrize("counts", [c for c in COUNTS if all(c[1:])], ids=str)
def test_where_there_is_a_label_of_each_kind_it_is_a_product(counts: tuple[int, ...]) -> None:
    plan = contracted(counts, 1, "stepped")
    products = [
        kernel
        for kernel in plan.kernels
        if isinstance(kernel, Kernel) and isinstance(kernel.reduction, Contraction)
    ]
    assert len(products) == 1


def test_groups_leave_out_what_has_one_element() -> None:
    x = placeholder(TensorType((2, 1, 3, 4), float32))
    y = placeholder(TensorType((2, 4, 5, 1), float32))
    node = OPS["contract"](x, y, left=(0, 1, 2, 3), right=(0, 3, 4, 5), result=(0, 1, 2, 4, 5))
    assert groups(node) == ((0,), (2,), (4,), (3,))
