"""The user's line is found from anywhere, also where the way out to it is known."""

from __future__ import annotations

import pytest

import steepest as st
from steepest.errors import ShapeError
from steepest.ir.origin import origin, way_out_is_known


def test_lines_in_the_users_program_are_found_within_the_block_and_after() -> None:
    found = [origin()]
    with way_out_is_known():
        found.append(origin())
        with way_out_is_known():
            found.append(origin())
    found.append(origin())
    lines = [each.line if each else 0 for each in found]
    assert [line - lines[0] for line in lines] == [0, 2, 4, 5]
    assert {each.file for each in found if each} == {__file__}


def test_a_traced_node_and_an_error_point_to_the_users_line() -> None:
    def step(x: st.Tensor) -> st.Tensor:
        return st.exp(x)

    graph = st.trace(step)(st.ones((2,)))
    (node,) = (each for each in graph.nodes if each.op.name == "exp")
    assert "return st.exp(x)" in str(node.origin)

    def wrong(x: st.Tensor) -> st.Tensor:
        return x + st.ones((3,))

    with pytest.raises(ShapeError, match=r"at line \d+ of test_origin.py: return x \+ st.ones"):
        st.trace(wrong)(st.ones((2,)))


def test_a_library_layer_in_a_trace_points_to_the_line_that_asked_for_the_trace() -> None:
    graph = st.trace(st.nn.Linear(2, 3))(st.ones((4, 2)))
    (node,) = (each for each in graph.nodes if each.op.name == "contract")
    assert "graph = st.trace(st.nn.Linear(2, 3))" in str(node.origin)
