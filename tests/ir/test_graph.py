"""Graphs: what is refused when one is built, the order of nodes, substitution, text and picture."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import steepest as st
from steepest.ir.graph import Graph, order, substitute
from steepest.ir.interpret import Program
from steepest.ir.node import Node, constant, leaf, placeholder
from steepest.ir.picture import picture
from steepest.ir.types import TensorType, float32, float64

F2 = TensorType((2,), float32)


def pair() -> tuple[Node, Node]:
    return placeholder(F2, "x"), placeholder(F2, "y")


def test_a_graph_reads_only_its_inputs() -> None:
    x, y = pair()
    with pytest.raises(ValueError, match=r"reads <node input: float32\[2\]>, which is not among"):
        Graph((x,), (x + y,))
    assert Graph((x, y), (x + y,)).nodes[-1].op.name == "add"


def test_a_graph_updates_only_its_inputs_and_not_their_type() -> None:
    x, y = pair()
    with pytest.raises(ValueError, match=r"updates .* not among its inputs"):
        Graph((x,), (), ((y, x),))
    with pytest.raises(ValueError, match=r"float32\[2\] cannot become float64\[2\]"):
        Graph((x,), (), ((x, st.astype(x, float64)),))
    with pytest.raises(ValueError, match="not among its inputs"):
        Graph((x,), (), ((x, x + y),))
    graph = Graph((x, y), (y,), ((x, x + y),))
    assert graph.results == (y, graph.updates[0][1])


def test_an_input_that_was_computed_from_others_hides_them() -> None:
    """A node given as an input is bound, whatever it was made of."""
    x, _ = pair()
    middle = x * 2.0
    graph = Graph((middle,), (middle + 1.0,))
    assert x not in graph.nodes
    assert Program(graph.inputs, graph.outputs)(np.array([5.0, 6.0], "f4"))[0].tolist() == [6, 7]


def test_nodes_come_after_what_they_read_and_once() -> None:
    x, y = pair()
    shared = x * y
    result = shared + shared * x
    nodes = order([result, shared])
    assert len(nodes) == len(set(nodes)) == 5
    for node in nodes:
        assert all(nodes.index(each) < nodes.index(node) for each in node.inputs)
    assert order([result], {shared}.__contains__) == [shared, x, result.inputs[1], result]


def test_substitution_builds_anew_only_what_depends_on_it() -> None:
    x, y = pair()
    kept = y * y
    result = (x + y) * kept
    z = placeholder(F2, "z")
    (new,) = substitute([result], {x: z})
    assert new is not result
    assert new.inputs[1] is kept
    assert new.inputs[0].inputs == (z, y)
    assert result.inputs[0].inputs == (x, y), "nodes are immutable"
    assert substitute([result], {}) == [result]
    assert substitute([x], {x: y}) == [y]


def test_a_node_says_what_it_is_and_where_it_was_made() -> None:
    x, y = pair()
    node = x + y
    assert repr(node) == "<node add: float32[2]>"
    assert (node.shape, node.dtype, node.ndim, node.size) == ((2,), float32, 1, 2)
    assert str(node.origin).startswith("line ")
    assert str(node.origin).endswith("of test_graph.py: node = x + y")
    assert x.name == "x"
    assert node.name == ""


def test_a_leaf_is_an_input_with_a_value() -> None:
    node = leaf(np.ones(2), requires_grad=True, name="w")
    assert node.value is not None
    assert node.value.tolist() == [1.0, 1.0]
    assert node.name == "w"
    assert placeholder(F2).value is None


def test_updates_are_written_before_the_return() -> None:
    x, y = pair()
    text = repr(Graph((x, y), (y,), ((x, x + y),)))
    assert text.splitlines() == [
        "graph(x: float32[2], y: float32[2])",
        "  %0 = add(x, y)  : float32[2]",
        "  x <- %0",
        "  return y",
    ]


def test_inputs_without_a_name_are_numbered_and_arrays_are_written_short() -> None:
    x = placeholder(F2)
    text = repr(Graph((x,), (x + constant(np.array([1.0, 2.0], "f4")),)))
    assert "graph(x0: float32[2])" in text
    assert "add(x0, [1., 2.])" in text
    long = constant(np.zeros(1000, "f4"))
    assert len(repr(Graph((), (long + long,)))) < 200


def test_attributes_are_written_as_they_are_typed() -> None:
    x = placeholder(TensorType((2, 3), float32), "x")
    text = repr(Graph((x,), (st.astype(st.permute_dims(x, (1, 0)), float64),)))
    assert "permute_dims(x, axes=(1, 0))" in text
    assert "cast(%0, dtype=float64)" in text


def svg_of(graph: Graph) -> ET.Element:
    text = graph._repr_svg_()  # pyright: ignore[reportPrivateUsage]
    assert text is not None
    return ET.fromstring(text)


def test_the_picture_is_svg_with_a_box_for_each_node_and_a_line_for_each_edge() -> None:
    x, y = pair()
    graph = Graph((x, y), (st.exp(x) * y + x,))
    root = svg_of(graph)
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}rect")) == len(graph.nodes)
    edges = [e for e in root.findall(f"{space}path") if e.get("class") == "edge"]
    assert len(edges) == sum(len(node.inputs) for node in graph.nodes)
    words = [text.text for text in root.findall(f"{space}text")]
    assert {"x", "y", "exp", "multiply", "add", "float32[2]"} <= set(words)
    boxes = [(float(r.get("x", 0)), float(r.get("y", 0))) for r in root.findall(f"{space}rect")]
    assert len(set(boxes)) == len(boxes), "no box hides another"


def test_names_are_escaped_in_pictures() -> None:
    x = placeholder(F2, "<x & y>")
    svg_of(Graph((x,), (x * 2.0,)))


def test_values_are_green_and_derivatives_red() -> None:
    x, _ = pair()
    text = picture([x], [x], values={x: "1 2"}, derivatives={x: "3 4"})
    assert re.search(r'class="value"[^>]*>1 2<', text)
    assert re.search(r'class="derivative"[^>]*>3 4<', text)
    assert "text.value { fill: #1a7f37 }" in text
    assert "text.derivative { fill: #cf222e }" in text


def test_a_graph_too_large_to_look_at_is_text_only() -> None:
    x, _ = pair()
    y = x
    for _ in range(3000):
        y = -y
    graph = Graph((x,), (y,))
    assert graph._repr_svg_() is None  # pyright: ignore[reportPrivateUsage]
    assert len(picture(graph.nodes, graph.outputs)) > 0
