"""Training steps as machine code: what the reference makes of them, step after step."""

from collections.abc import Sequence

import pytest

from compile.native import Outcome, check_close, native, one_by_one, reference
from kit import workloads
from kit.workloads import Maker, Workload, ensemble, joined

STEPS = 4


def check(workload: Workload, widths: Sequence[int] = (16, 8, 4)) -> dict[int, Outcome]:
    """All widths agree with the reference, and the wider two bit by bit."""
    graph, roles, values = workload.graph, workload.roles, workload.values
    expected = reference(graph, roles, values, STEPS)
    found = {lanes: native(graph, roles, values, STEPS, lanes) for lanes in widths}
    for outcome in found.values():
        check_close(outcome, expected)
    assert found[16].bits == found[8].bits
    return found


@pytest.mark.parametrize(
    "makers",
    [workloads.LOSSES, workloads.ACTIVATIONS, workloads.RULES, workloads.KINDS, workloads.DOUBLE],
    ids=["losses", "activations", "rules", "kinds", "double"],
)
def test_steps(makers: dict[str, Maker]) -> None:
    together = joined([make(STEPS) for make in makers.values()])
    found = check(together)
    graph, roles, values = together.graph, together.roles, together.values
    assert one_by_one(graph, roles, values, STEPS).bits == found[16].bits


def test_an_ensemble() -> None:
    check(ensemble(STEPS))
