"""Training steps as machine code: what the reference makes of them, step after step."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import steepest as st
from compile.native import WIDTHS, Native, check_close, one_by_one, reference
from kit import workloads
from kit.workloads import Maker, Workload, ensemble, joined, network
from steepest.ir.types import Array
from steepest.nn import Module
from steepest.transform.executable import Backend

STEPS = 4


def check(workload: Workload, widths: Sequence[int]) -> None:
    """All widths agree with the reference; the wider two, and step by step, bit by bit."""
    graph, roles, values = workload.graph, workload.roles, workload.values
    expected = reference(graph, roles, values, STEPS)
    bits: dict[int, list[bytes]] = {}
    for lanes in widths:
        program = Native(graph, roles, lanes)
        program.put(values)
        found = program.run(values, STEPS)
        check_close(found, expected)
        bits[lanes] = found.bits
        if lanes == 16:
            assert one_by_one(program, values, STEPS).bits == found.bits
    assert bits[16] == bits[8]


# At 4 lanes each op is tested alone, and graphs at random: some steps are enough.
@pytest.mark.parametrize(
    ("makers", "widths"),
    [
        (workloads.LOSSES, WIDTHS),
        (workloads.ACTIVATIONS, (16, 8)),
        (workloads.RULES, (16, 8)),
        (workloads.KINDS, (16, 8)),
        (workloads.DOUBLE, WIDTHS),
    ],
    ids=["losses", "activations", "rules", "kinds", "double"],
)
def test_steps(makers: dict[str, Maker], widths: Sequence[int]) -> None:
    check(joined([make(STEPS) for make in makers.values()]), widths)


def test_an_ensemble() -> None:
    check(ensemble(STEPS), WIDTHS)


# ---------------------------------------------------------------------------------- all of a fit


def fitted(backend: Backend, model: Callable[[], Module]) -> tuple[st.History, list[Array], Array]:
    """Histories, parameters and predictions of two calls of fit with all that it offers."""
    random = np.random.default_rng(4)
    x, y = random.normal(size=(50, 4)), random.integers(0, 3, 50)
    with st.random.stream(1):
        network = model()
    rule = st.optim.Adam(st.optim.schedules.WarmUp(0.02, 5))
    trainer = st.Trainer(network, "cross_entropy", rule, l2=0.01, seed=3, backend=backend)
    history = trainer.fit(x, y, epochs=2, batch_size=16)
    more = trainer.fit(
        x,
        y,
        epochs=3,
        batch_size=16,
        sample_weight=random.uniform(0.5, 1.5, 50),
        validation_data=(x[:20], y[:20]),
        metrics=["accuracy"],
    )
    history.rows.extend(more.rows)
    parameters = [cell.value.numpy() for cell in network.parameters().values()]
    return history, parameters, trainer.predict(x)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_training_ends_the_same_on_both_back_ends(
    rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 rows in batches of 16: the last batch of an epoch has two rows."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = network(4, 18, 9, 3, dropout=rate)
    ours, theirs = fitted("native", model), fitted("reference", model)
    assert [row.keys() for row in ours[0].rows] == [row.keys() for row in theirs[0].rows]
    for mine, other in zip(ours[0].rows, theirs[0].rows, strict=True):
        for name in mine.keys() - {"seconds"}:
            assert mine[name] == pytest.approx(other[name], rel=1e-5), name
    for mine, other in zip((*ours[1], ours[2]), (*theirs[1], theirs[2]), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
