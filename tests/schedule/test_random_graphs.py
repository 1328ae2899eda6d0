"""Graphs at random of all that schedules know mean the same as kernels, rewritten or not.

Memory is shared as the schedule says, and what is not needed any more has no meaning.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings, strategies as some

from schedule.graphs import grown, roles_for, values_for
from schedule.run import check_steps
from steepest.ir.types import DType, float32, float64, is_floating
from steepest.rewrite import rewrite

# The graphs are small already, and shrinking takes minutes.
EASY = settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def drawn(data: some.DataObject) -> Callable[[Any], Any]:
    """Choices by number, so that the report of a failure is the graph and not what it is of."""
    return lambda options: options[data.draw(some.integers(0, len(options) - 1))]


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@EASY
@given(data=some.data(), seed=some.integers(0, 1000))
def test_kernels_compute_what_the_graph_says(
    dtype: DType, data: some.DataObject, seed: int
) -> None:
    choose = drawn(data)
    graph, limits = grown(choose, dtype)
    values = values_for(graph, limits, np.random.default_rng([4, seed]))
    roles = roles_for(graph, choose)
    guarded = is_floating(graph.outputs[0].dtype) and choose([True, False])
    try:
        check_steps(graph, roles, values, guarded=guarded)
        check_steps(rewrite(graph).graph, roles, values, guarded=guarded)
    except (AssertionError, ValueError) as error:
        raise AssertionError(f"{error}\n{graph}\n{roles}\n{values}") from None
