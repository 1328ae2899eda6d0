"""Drivers against SciPy's, against the formulas of the papers, and what they refuse."""

import pickle
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import scipy.optimize

import steepest as st
from steepest.errors import ConfigurationError, ShapeError, TrainingError
from steepest.optim.drivers import DRIVERS, Iterate, Point, Surface
from steepest.optim.drivers.bfgs import corrected
from steepest.optim.drivers.lbfgs import product
from steepest.optim.drivers.newton import Parabola

Array = Any
Value = Any  # a Tensor
Function = Callable[[Value], Value]
RNG = np.random.default_rng(0)


def rosenbrock(x: Value) -> Value:
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2


def beale(x: Value) -> Value:
    y = x[1]
    first = 1.5 - x[0] + x[0] * y
    second = 2.25 - x[0] + x[0] * y * y
    return first**2 + second**2 + (2.625 - x[0] + x[0] * y * y * y) ** 2


INPUTS = RNG.normal(size=(200, 10)) * np.linspace(0.1, 3.0, 10)
LABELS = np.where(INPUTS @ RNG.normal(size=10) + RNG.logistic(size=200) > 0, 1.0, -1.0)


def logistic(w: Value) -> Value:
    margins = st.tensor(LABELS) * (st.tensor(INPUTS) @ w)
    return st.mean(st.log1p(st.exp(-margins))) + 5e-4 * st.sum(w * w)


PROBLEMS: dict[str, tuple[Function, Array]] = {
    "rosenbrock": (rosenbrock, np.array([-1.2, 1.0])),
    "rosenbrock far": (rosenbrock, np.array([-3.0, -4.0])),
    "beale": (beale, np.array([1.0, 1.0])),
    "beale from 0": (beale, np.array([0.0, 0.0])),
    "logistic": (logistic, np.zeros(10)),
}
SCIPY: dict[str, Any] = {"bfgs": "BFGS", "lbfgs": "L-BFGS-B"}


class Plain(Surface):
    """A surface of NumPy functions, which counts."""

    def __init__(
        self, value: Function, gradient: Function, hessian: Function | None = None
    ) -> None:
        self._value, self._gradient, self._hessian = value, gradient, hessian
        self.evaluations = 0

    @property
    def precision(self) -> float:
        return 2.0**-52

    def at(self, x: Array) -> Point:
        self.evaluations += 1
        return Point(x, float(self._value(x)), self._gradient(x))

    def hessian(self, x: Array) -> Array:
        assert self._hessian is not None
        return self._hessian(x)


@pytest.mark.row("P9", "P10")
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("driver", SCIPY)
def test_reaches_scipys_optimum_with_as_many_evaluations(driver: str, problem: str) -> None:
    function, start = PROBLEMS[problem]
    compiled = st.jit(st.value_and_grad(function))

    def both(x: Array) -> tuple[float, Array]:
        value, gradient = compiled(st.tensor(x))
        return float(value), gradient.numpy()

    theirs = scipy.optimize.minimize(both, start, jac=True, method=SCIPY[driver])
    ours = st.optim.minimise(function, start, driver)
    assert ours.value <= theirs.fun + 1e-8
    np.testing.assert_allclose(ours.x, theirs.x, atol=2e-3)
    assert ours.evaluations <= 1.5 * theirs.nfev
    assert ours.gradient_norm <= 1e-5
    assert "gradient_tolerance" in ours.reason


@pytest.mark.row("P8")
@pytest.mark.parametrize("problem", PROBLEMS)
def test_newton_reaches_the_same(problem: str) -> None:
    function, start = PROBLEMS[problem]
    theirs = scipy.optimize.minimize(
        lambda x: float(function(st.tensor(x))), start, method="BFGS", options={"gtol": 1e-6}
    )
    ours = st.optim.minimise(function, start, "newton")
    assert ours.value <= theirs.fun + 1e-8
    assert ours.iterations < 40


@pytest.mark.row("P8")
def test_newton_takes_one_step_on_a_parabola_and_its_units_do_not_matter() -> None:
    matrix = RNG.normal(size=(5, 5))
    matrix = matrix @ matrix.T + np.eye(5)
    centre = RNG.normal(size=5)

    def bowl(x: Value) -> Value:
        away = x - st.tensor(centre)
        return 0.5 * away @ (st.tensor(matrix) @ away)

    found = st.optim.minimise(bowl, 1.3 * centre, "newton")
    assert found.iterations == 1
    assert found.evaluations == 2
    np.testing.assert_allclose(found.x, centre, rtol=1e-9)
    units = np.array([1e6, 1e-6])
    plain = st.optim.minimise(rosenbrock, [-1.2, 1.0], "newton")
    scaled = st.optim.minimise(
        lambda x: rosenbrock(x * st.tensor(units)), np.array([-1.2, 1.0]) / units,
        st.optim.Newton(gradient_tolerance=0.0),
    )  # fmt: skip
    np.testing.assert_allclose(scaled.x * units, plain.x, rtol=1e-6)


@pytest.mark.row("P8")
@pytest.mark.parametrize("start", [[0.0, 0.1], [0.01, 1e-9], [3.0, -2.0]])
def test_newton_leaves_saddles_and_maxima(start: list[float]) -> None:
    # A saddle at 0, minima at (0, ±1): undamped, Newton's step from near 0 leads to 0.
    found = st.optim.minimise(lambda x: x[0] ** 2 + (x[1] ** 2 - 1.0) ** 2, start, "newton")
    np.testing.assert_allclose(np.abs(found.x), [0.0, 1.0], atol=1e-5)


@pytest.mark.row("P8")
def test_a_damped_step_is_the_smallest_value_within_the_radius() -> None:
    rng = np.random.default_rng(1)
    for trial in range(60):
        size = int(rng.integers(1, 7))
        matrix = rng.normal(size=(size, size))
        matrix = matrix + matrix.T + (trial % 3) * 2 * np.eye(size)
        gradient = rng.normal(size=size)
        if trial % 5 == 0:  # blind to the way down: Moré and Sorensen's hard case
            vectors = np.linalg.eigh(matrix)[1]
            gradient -= vectors[:, 0] * (vectors[:, 0] @ gradient)
        radius = float(rng.uniform(0.05, 3.0))
        parabola = Parabola(matrix, gradient)
        step = parabola.step(radius)
        assert np.linalg.norm(step) <= radius * 1.06
        # (H + λ) s = −g with λ ≥ 0 and H + λ positive semidefinite is necessary and sufficient.
        damping = -float(step @ (matrix @ step + gradient)) / float(step @ step or 1.0)
        residual = matrix @ step + damping * step + gradient
        assert np.max(np.abs(residual)) < 1e-6 * max(1.0, abs(damping))
        assert damping >= -1e-8
        assert np.linalg.eigvalsh(matrix)[0] + damping >= -1e-6
        if damping > 1e-6:
            assert np.linalg.norm(step) >= radius * 0.94


@pytest.mark.row("P9")
def test_bfgs_corrects_by_the_formula_in_two_ranks() -> None:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(6, 6))
    inverse, step = root @ root.T + np.eye(6), rng.normal(size=6)
    change = step + 0.3 * rng.normal(size=6)
    assert step @ change > 0
    rho = 1.0 / (step @ change)
    left = np.eye(6) - rho * np.outer(step, change)  # Nocedal and Wright, (6.17)
    expected = left @ inverse @ left.T + rho * np.outer(step, step)
    made = corrected(inverse, step, change)
    np.testing.assert_allclose(made, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(made @ change, step, atol=1e-10)
    assert np.linalg.matrix_rank(made - inverse, tol=1e-8) == 2
    assert np.linalg.eigvalsh(made)[0] > 0


@pytest.mark.row("P10")
def test_lbfgs_is_bfgs_of_its_pairs() -> None:
    rng = np.random.default_rng(3)
    hessian = np.diag(rng.uniform(0.5, 4.0, 8))
    steps = rng.normal(size=(5, 8))
    changes = steps @ hessian
    dense = np.eye(8) * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y in zip(steps, changes, strict=True):
        rho = 1.0 / (s @ y)
        left = np.eye(8) - rho * np.outer(s, y)
        dense = left @ dense @ left.T + rho * np.outer(s, s)
    vector = rng.normal(size=8)
    np.testing.assert_allclose(product(steps, changes, vector), dense @ vector, rtol=1e-10)


@pytest.mark.row("P10")
def test_lbfgs_keeps_the_last_pairs() -> None:
    curvature = np.linspace(1.0, 50.0, 12)
    surface = Plain(lambda x: 0.5 * x @ (curvature * x), lambda x: curvature * x)
    driver = st.optim.LBFGS(memory=3, gradient_tolerance=0.0, function_tolerance=0.0)
    iterate = driver.begin(surface.at(np.ones(12)))
    before: list[Array] = []
    for _ in range(6):
        point = iterate.point
        iterate = driver.advance(iterate, surface)
        before.append(iterate.point.x - point.x)
        np.testing.assert_array_equal(iterate.kept["steps"], np.array(before)[-3:])
        np.testing.assert_allclose(iterate.kept["changes"], iterate.kept["steps"] * curvature)


@pytest.mark.row("P8", "P9", "P10")
@pytest.mark.parametrize("name", DRIVERS)
def test_an_iterate_can_be_stored_and_taken_up(name: str) -> None:
    values = st.jit(st.value_and_grad(logistic))
    hessian = st.jit(st.hessian(logistic))
    surface = Plain(
        lambda x: values(st.tensor(x))[0].item(),
        lambda x: values(st.tensor(x))[1].numpy(),
        lambda x: hessian(st.tensor(x)).numpy(),
    )
    driver = DRIVERS[name]()

    def advanced(iterate: Iterate, times: int) -> Iterate:
        for _ in range(times):
            iterate = driver.advance(iterate, surface)
        return iterate

    half = advanced(driver.begin(surface.at(np.zeros(10))), 2)
    kept = pickle.dumps(half)
    whole = advanced(half, 3)
    again = advanced(pickle.loads(kept), 3)
    assert pickle.dumps(half) == kept  # nothing was changed in place
    np.testing.assert_array_equal(whole.point.x, again.point.x)
    for key, array in whole.kept.items():
        np.testing.assert_array_equal(array, again.kept[key])


@pytest.mark.parametrize("name", DRIVERS)
def test_single_precision_ends_at_its_own_accuracy(name: str) -> None:
    def bumpy(x: Value) -> Value:
        return st.sum(st.log1p((x - 2.0) ** 2)) + 1000.0

    found = st.optim.minimise(bumpy, np.full(20, 1.5, np.float32), name)
    assert found.x.dtype == np.float32
    assert found.evaluations < 100
    np.testing.assert_allclose(found.x, 2.0, atol=0.05)
    again = st.optim.minimise(bumpy, np.full(20, 1.5, np.float32), name, backend="reference")
    np.testing.assert_allclose(again.x, 2.0, atol=0.05)


@pytest.mark.parametrize("name", DRIVERS)
def test_places_without_a_value_are_avoided(name: str) -> None:
    with np.errstate(invalid="ignore"):
        found = st.optim.minimise(lambda x: st.sum(x - st.log(x)), [5.0, 1e-3], name)
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-3)


@pytest.mark.parametrize("name", DRIVERS)
def test_reasons_to_stop(name: str) -> None:
    make: Any = DRIVERS[name]
    at_minimum = st.optim.minimise(lambda x: st.sum(x * x), [0.0, 0.0], name)
    assert (at_minimum.iterations, at_minimum.evaluations) == (0, 1)
    assert "gradient_tolerance" in at_minimum.reason
    by_value = st.optim.minimise(
        logistic, np.zeros(10), make(gradient_tolerance=0.0, function_tolerance=0.5)
    )
    assert "function_tolerance" in by_value.reason
    assert by_value.iterations >= 1
    few = st.optim.minimise(rosenbrock, [-1.2, 1.0], name, evaluations=5)
    assert few.reason == "the limit of 5 evaluations"
    assert few.value < 24.2
    constant = st.optim.minimise(
        lambda x: st.sum(x * 0.0 + 1.0), [1.0], make(gradient_tolerance=0.0)
    )
    assert constant.iterations == 0
    assert constant.reason


def test_no_progress_is_told() -> None:
    wrong = Plain(lambda x: float(np.sum(x**2)), lambda x: -2 * x)  # a gradient of the wrong sign
    for driver in (st.optim.LBFGS(), st.optim.BFGS()):
        iterate = driver.advance(driver.begin(wrong.at(np.ones(3))), wrong)
        assert iterate.reason.startswith("no progress")
        assert iterate.iterations == 0


def test_forced_never_counts_as_converged() -> None:
    surface = Plain(lambda x: float(np.sum(x**2)), lambda x: 2 * x)
    driver = st.optim.Forced(st.optim.LBFGS())
    iterate = driver.begin(surface.at(np.zeros(3)))
    assert driver.bears_noise
    assert not iterate.reason
    assert not driver.advance(iterate, surface).reason


def test_any_shape_and_its_scale() -> None:
    target = np.arange(6.0).reshape(2, 3)
    found = st.optim.minimise(
        lambda x: st.sum((x - st.tensor(target)) ** 2), np.ones((2, 3)), scale=np.full((2, 3), 2.0)
    )
    assert found.x.shape == found.gradient.shape == (2, 3)
    np.testing.assert_allclose(found.x, target, atol=1e-5)
    np.testing.assert_allclose(found.gradient, 2 * (found.x - target), atol=1e-12)
    with pytest.raises(ShapeError, match=r"scale has shape \(2,\)"):
        st.optim.minimise(rosenbrock, np.ones((2, 3)), scale=[1.0, 1.0])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: st.optim.minimise(rosenbrock, [0.0, 0.0], "lbgfs"), "did you mean 'lbfgs'"),
        (lambda: st.optim.minimise(rosenbrock, [0.0, 0.0], cast("Any", st.optim.LBFGS)), "LBFGS"),
        (lambda: st.optim.minimise(rosenbrock, [0.0, 0.0], scale=0.0), "above 0"),
        (lambda: st.optim.minimise(rosenbrock, [0.0, 0.0], evaluations=0), "from 1 on"),
        (lambda: st.optim.LBFGS(memory=0), "memory"),
        (lambda: st.optim.LBFGS(gradient_tolerance=-1.0), "gradient_tolerance"),
        (lambda: st.optim.BFGS(function_tolerance=float("nan")), "function_tolerance"),
        (lambda: cast("Any", st.optim.LBFGS)(history_size=3), "no option 'history_size'"),
        (lambda: cast("Any", st.optim.Newton)(learning_rate=0.1), "no option 'learning_rate'"),
        (lambda: st.optim.Newton().check_size(3001), r"3,001.*LBFGS"),
        (lambda: st.optim.BFGS().check_size(6000), r"6,000.*LBFGS"),
    ],
)
def test_impossible_ones_are_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        make()


def test_a_start_without_a_value_is_refused() -> None:
    with np.errstate(invalid="ignore"), pytest.raises(TrainingError, match="at the start"):
        st.optim.minimise(lambda x: st.sum(st.log(x)), [-1.0])
