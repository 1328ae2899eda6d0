"""A drawn graph: no arrow behind a box, no box on another, read from left to right."""

import itertools
from collections.abc import Callable

import pytest

import steepest as st
from steepest.ir.layout import HEIGHT, WIDTH, place

FUNCTIONS: dict[str, Callable[..., object]] = {
    "used twice": lambda x: x * x + x,
    "gradient": st.grad(lambda x: st.sin(x) * x),
    "network": st.grad(lambda x: st.tanh(x * 2.0) ** 2 + st.exp(-x) * x),
    "one": lambda x: -x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrows_and_boxes_keep_clear_of_each_other(name: str) -> None:
    nodes = st.trace(FUNCTIONS[name])(1.0).nodes
    layout = place(nodes)
    assert set(layout.boxes) == set(nodes)
    places = [(there, HEIGHT) for there in layout.boxes.values()]
    places += [(there, 0) for there in layout.lanes.values()]
    for (one, tall), (two, high) in itertools.combinations(places, 2):
        apart = abs(one.left - two.left) >= WIDTH or abs(one.middle - two.middle)
        assert apart is True or apart > (tall + high) / 2
    for node in nodes:
        for each in node.inputs:
            path = layout.path(each, node)
            steps = [b.left - a.left for a, b in itertools.pairwise(path)]
            assert len(set(steps)) == 1  # one column after the other, none skipped
            assert steps[0] > WIDTH
    width, height = layout.extent
    assert all(there.right < width and there.middle < height for there, _ in places)


def test_two_arrows_from_one_node_to_another_are_two() -> None:
    svg = st.draw(lambda x: x * x, 3.0).svg
    assert (
        svg.count('class="edge"') == len({line for line in svg.split("\n") if "edge" in line}) - 1
    )
