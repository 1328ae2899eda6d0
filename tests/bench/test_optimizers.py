"""L1's comparison of methods: counts of iterations are exact, times only there."""

import numpy as np
import pytest

from steepest.bench.optimizers import METHODS, Problem, Sizes, compare_optimizers


@pytest.mark.row("P11")
def test_the_order_of_the_lecture() -> None:
    rows = {row.name: row for row in compare_optimizers(Sizes(n=256, d=8, k=16), seconds=0.001)}
    counts = [rows[name].iterations for name in METHODS]
    known = [count for count in counts if count is not None]
    assert len(known) == len(counts)
    newton, lbfgs, descent, single, batches = known
    assert newton <= lbfgs < descent < single  # very small, small, large, very large
    assert batches < single
    for name, row in rows.items():
        assert row.seconds > 0
        assert tuple(row.exponents) == METHODS[name].sizes


@pytest.mark.row("P11")
def test_the_problem_is_what_it_says() -> None:
    sizes = Sizes(n=300, d=5)
    problem = Problem.of(sizes)
    weight = np.linspace(-1.0, 1.0, 5)
    scores = problem.x.astype(np.float64) @ weight
    chances = 1.0 / (1.0 + np.exp(-problem.y * scores))
    expected = -np.mean(np.log(chances)) + 0.5e-3 * weight @ weight
    assert problem.objective(weight) == pytest.approx(expected, rel=1e-9)
    hessian = problem.x.T @ problem.x / (4 * 300)  # at w = 0, where it is largest
    assert problem.curvature(300) >= np.linalg.eigvalsh(hessian)[-1]
