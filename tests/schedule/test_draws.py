"""Random words wherever the key lies: in state, in a table, behind views, one of many."""

from collections.abc import Callable

import numpy as np
import pytest

from schedule.run import check_steps
from steepest.ir.graph import Graph
from steepest.ir.node import Node, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import Shape, TensorType, uint32
from steepest.schedule.plan import InputRole

ROLES: list[InputRole] = ["state", "table", "stepped", "whole"]


def words(shape: Shape) -> Node:
    return placeholder(TensorType(shape, uint32))


def check(key: Node, drawn: Callable[[Node, Node], Node], lead: Shape, role: InputRole) -> None:
    """Twice, with the step before or after it: the keys stay as they are."""
    step = words(lead)
    graph = Graph((key, step), (drawn(key, step),), ((key, key),) if role == "state" else ())
    random = np.random.default_rng(1)
    values = [random.integers(0, 2**32, node.shape).astype(uint32) for node in (key, step)]
    check_steps(graph, [role, role], values)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (17,), (3, 5), (1, 5), (5, 1), (2, 3, 4)])
@pytest.mark.parametrize("lead", [(), (1,), (3,), (2, 3), (3, 1)])
def test_a_key_for_each_member(lead: Shape, shape: Shape, role: InputRole) -> None:
    def drawn(key: Node, step: Node) -> Node:
        return OPS["random_bits"](key, step, site=3, shape=shape)

    check(words((*lead, 2)), drawn, lead, role)


VIEWS: dict[str, Callable[[Node], Node]] = {
    "reversed": lambda key: OPS["cut"](key, cut=((1, -1, -1),)),
    "part": lambda key: OPS["cut"](OPS["concat"](key, key, axis=0), cut=((1, 3, 1),)),
    "every other": lambda key: OPS["cut"](OPS["concat"](key, key, axis=0), cut=((0, 4, 2),)),
    "one word twice": lambda key: OPS["broadcast_to"](
        OPS["cut"](key, cut=((0, 1, 1),)), shape=(2,)
    ),
    "computed": lambda key: OPS["add"](key, key),
    "column": lambda key: OPS["reshape"](
        OPS["cut"](
            OPS["reshape"](OPS["concat"](key, key, axis=0), shape=(2, 2)),
            cut=((0, 2, 1), (1, 2, 1)),
        ),
        shape=(2,),
    ),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_key_behind_a_view(view: str, role: InputRole) -> None:
    def drawn(key: Node, step: Node) -> Node:
        return OPS["random_bits"](VIEWS[view](key), step, site=3, shape=(3, 5))

    check(words((2,)), drawn, (), role)


@pytest.mark.parametrize("role", ROLES)
def test_keys_and_steps_that_are_turned_round(role: InputRole) -> None:
    def drawn(key: Node, step: Node) -> Node:
        keys = OPS["cut"](OPS["permute_dims"](key, axes=(1, 0)), cut=((2, -1, -1), (0, 2, 1)))
        steps = OPS["cut"](step, cut=((2, -1, -1),))
        return OPS["random_bits"](keys, steps, site=3, shape=(4, 5))

    check(words((2, 3)), drawn, (3,), role)
