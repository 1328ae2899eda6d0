"""What is traced once and interpreted has the bits of what is called each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.losses import LOSSES
from steepest.optim import Time
from steepest.optim.schedules import SCHEDULES
from steepest.train.recorded import Recorded

RNG = np.random.default_rng(0)


def eager(function: Any, *arrays: Any) -> Any:  # noqa: ANN401
    return function(*(st.tensor(each) for each in arrays)).detach().numpy()


@pytest.mark.parametrize("rows", [1, 7])
def test_losses_have_the_bits_of_eager_ones(rows: int) -> None:
    scores = RNG.normal(size=(rows, 3)).astype(np.float32)
    codes = RNG.integers(3, size=rows).astype(np.int32)
    numbers = RNG.normal(size=rows)
    for name, y in (
        ("cross_entropy", codes),
        ("smoothed_cross_entropy", codes),
        ("half_squared_error", numbers),
        ("huber", numbers),
    ):
        x = scores if y is codes else scores[:, :1]
        loss: Any = LOSSES.find(name)()
        recorded = Recorded(loss)
        for _ in range(2):
            np.testing.assert_array_equal(recorded(x, y), eager(loss, x, y), err_msg=name)


@pytest.mark.parametrize("name", ["cosine", "constant", "step_decay", "exponential", "linear"])
def test_rates_have_the_bits_of_eager_ones(name: str) -> None:
    options: dict[str, Any] = {"step_decay": {"milestones": (3, 5)}, "exponential": {"decay": 0.1}}
    steps: dict[str, Any] = {"cosine": {"steps": 9}, "linear": {"steps": 9, "last": 0.01}}
    make: Any = SCHEDULES.find(name)
    rate = make(0.1, **options.get(name, {}), **steps.get(name, {}))
    recorded: Any = Recorded(lambda *time: rate.at(Time(*time)))
    for step in range(12):
        values = (np.asarray(each, np.float64) for each in (step, step // 4, 0.5))
        assert float(recorded(*values)) == rate(step, epoch=step // 4, lowered=0.5)


def test_other_shapes_are_traced_anew_and_the_same_ones_are_not() -> None:
    calls: list[tuple[int, ...]] = []

    def doubled(x: st.Tensor) -> st.Tensor:
        calls.append(x.shape)
        return x * 2.0

    recorded = Recorded(doubled)
    for extent in (2, 3, 2, 3):
        x = np.ones(extent, np.float32)
        assert recorded(x).tolist() == [2.0] * extent
    assert calls == [(2,), (3,)]


def test_what_reads_a_cell_sees_it_as_it_is_now() -> None:
    factor = st.State(st.tensor(2.0))
    recorded = Recorded(lambda x: x * factor.value)
    x = np.ones(1, np.float32)
    assert recorded(x).tolist() == [2.0]
    factor.assign(np.asarray(5.0, np.float32))
    assert recorded(x).tolist() == [5.0]


def test_what_draws_draws_each_time() -> None:
    recorded = Recorded(lambda x: x + st.random.uniform((3,)))
    x = np.zeros(3, np.float32)
    with st.random.stream(0):
        first, second = recorded(x), recorded(x)
    assert first.tolist() != second.tolist()
