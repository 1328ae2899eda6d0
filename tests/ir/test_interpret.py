"""The reference interpreter: right values, nothing computed twice, nothing kept too long."""

import dataclasses
import weakref
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import GradientError
from steepest.ir.interpret import Program, evaluate
from steepest.ir.node import Node, constant, leaf, placeholder
from steepest.ir.op import OPS, Op
from steepest.ir.types import Array, TensorType, float64

F2 = TensorType((2,), float64)


def watched(seen: list[Any], name: str = "exp") -> Op:
    """An op that notes each call, with weak references to its input and its result."""
    plain = OPS[name]

    def reference(x: Array, **attributes: Any) -> Array:
        result = np.asarray(plain.reference(x, **attributes))
        seen.append((weakref.ref(x), weakref.ref(result)))
        return result

    return dataclasses.replace(plain, reference=reference)


def applied(op: Op, *inputs: Node, **attributes: Any) -> Node:
    return Node(op, inputs, attributes, op.infer(*(i.type for i in inputs), **attributes))


def test_values() -> None:
    x, y = placeholder(F2), placeholder(F2)
    program = Program((x, y), (x * y, x - y, x))
    for _ in range(2):
        values = program(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
        assert [v.tolist() for v in values] == [[3.0, 10.0], [-2.0, -3.0], [1.0, 2.0]]


def test_a_shared_node_is_computed_once() -> None:
    seen: list[Any] = []
    x = placeholder(F2)
    shared = applied(watched(seen), x)
    Program((x,), (shared + shared, shared * shared))(np.ones(2))
    assert len(seen) == 1


def test_a_value_is_dropped_after_its_last_use() -> None:
    seen: list[Any] = []
    op = watched(seen)
    alive: list[list[bool]] = []

    def counted(x: Array) -> Array:
        alive.append([result() is not None for _, result in seen])
        return x + 1.0

    count = dataclasses.replace(OPS["exp"], reference=counted)
    x = placeholder(F2)
    first = applied(op, x)
    second = applied(op, first)
    third = applied(op, second)
    last = applied(count, third)
    Program((x,), (last,))(np.ones(2))
    assert alive == [[False, False, True]]


def test_an_output_is_kept_though_others_read_it() -> None:
    x = placeholder(F2)
    middle = st.exp(x)
    value, kept = Program((x,), (st.exp(middle), middle))(np.zeros(2))
    np.testing.assert_allclose(kept, 1.0)
    np.testing.assert_allclose(value, np.e)


def test_what_is_not_wanted_is_not_computed() -> None:
    seen: list[Any] = []
    x = placeholder(F2)
    applied(watched(seen), x)
    Program((x,), (x * 2.0,))(np.ones(2))
    assert seen == []


def test_an_input_nobody_reads_is_accepted() -> None:
    x, y = placeholder(F2), placeholder(F2)
    assert Program((x, y), (x,))(np.ones(2), np.zeros(2))[0].tolist() == [1.0, 1.0]


def test_the_number_of_values_is_that_of_the_inputs() -> None:
    x, y = placeholder(F2), placeholder(F2)
    program = Program((x, y), (x * y,))
    with pytest.raises(ValueError, match="zip"):
        program(np.ones(2))


def test_every_value_is_that_of_each_node() -> None:
    x = placeholder(F2)
    middle = x * 3.0
    result = middle + x
    values = Program((x,), (result,)).every_value(np.array([1.0, 2.0]))
    assert values[middle].tolist() == [3.0, 6.0]
    assert values[result].tolist() == [4.0, 8.0]


def test_recorded_values_are_not_computed_again() -> None:
    seen: list[Any] = []
    known = leaf(np.array([2.0, 3.0]))
    middle = applied(watched(seen), known)
    assert [v.tolist() for v in evaluate([known])] == [[2.0, 3.0]]
    np.testing.assert_allclose(evaluate([middle])[0], np.exp([2.0, 3.0]))
    given = Program((middle,), (middle * 2.0,))(np.ones(2))
    assert given[0].tolist() == [2.0, 2.0], "a value that is given comes first"
    assert len(seen) == 1


def test_numbers_of_the_program_are_computed_when_it_is_made() -> None:
    seen: list[Any] = []
    x = placeholder(F2)
    literal = applied(watched(seen), constant(np.zeros(2)))
    program = Program((x,), (x * literal,))
    assert len(seen) == 1
    assert program(np.ones(2))[0].tolist() == [1.0, 1.0]
    assert program(np.ones(2))[0].tolist() == [1.0, 1.0]
    assert len(seen) == 1
    assert program.every_value(np.ones(2))[literal].tolist() == [1.0, 1.0]


def test_an_unbound_input_is_refused() -> None:
    x, y = placeholder(F2, "x"), placeholder(F2, "y")
    with pytest.raises(ValueError, match="the input 'y' has no value"):
        Program((x,), (x * y,))


def test_a_freed_value_is_refused() -> None:
    x = st.tensor([1.0, 2.0], requires_grad=True)
    middle = x * x
    node = middle.node
    st.sum(middle).backward()
    with pytest.raises(GradientError, match=r"the value made at line .* was freed"):
        evaluate([node])


def test_the_unusual_is_no_warning() -> None:
    x = placeholder(F2)
    found = Program((x,), (st.log(x), 1.0 / x))(np.zeros(2))
    assert [v.tolist() for v in found] == [[-np.inf] * 2, [np.inf] * 2]
