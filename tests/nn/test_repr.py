"""What print shows of a module."""

from typing import Any

import steepest as st


def doubled(x: st.Tensor) -> st.Tensor:
    return 2.0 * x


class Gated(st.nn.Module):
    def __init__(self) -> None:
        self.value = st.nn.Linear(2, 3)
        self.scale = st.State(st.ones((3,)))
        self.heads: Any = {"one": st.nn.Linear(3, 1)}
        self.numbers = [1, 2, 3]
        self.itself = [self]


def test_a_short_network_is_one_line() -> None:
    net = st.nn.MLP(2, [4], 1, activation="tanh", dropout=0.5)
    linear = "Linear(inputs=2, outputs=4), tanh, Dropout(rate=0.5), Linear(inputs=4, outputs=1)"
    assert repr(net) == f"MLP({linear})"


def test_a_long_one_is_a_line_for_each_part() -> None:
    inner = st.nn.Sequential(st.nn.Linear(4, 4), st.nn.relu)
    net = st.nn.Sequential(st.nn.Linear(2, 4), st.nn.Residual(inner), doubled)
    assert repr(net).splitlines() == [
        "Sequential(",
        "  Linear(inputs=2, outputs=4),",
        "  Residual(inner=Sequential(Linear(inputs=4, outputs=4), relu)),",
        "  doubled,",
        ")",
    ]


def test_a_module_of_ones_own_shows_cells_and_parts() -> None:
    assert repr(Gated()).splitlines() == [
        "Gated(",
        "  value=Linear(inputs=2, outputs=3),",
        "  scale=float32[3],",
        "  heads={'one': Linear(inputs=3, outputs=1)},",
        "  itself=[…],",
        ")",
    ]
