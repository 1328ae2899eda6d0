"""Update rules against plain NumPy transcriptions of the papers, and against each other."""

import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from kit import papers
from kit.papers import STEPS, annealed, falling
from steepest.errors import ConfigurationError, GradientError

Array = Any
pytestmark = pytest.mark.row("P1", "P3", "P4", "P5", "P6", "P7")
RNG = np.random.default_rng(0)
TARGET, CURVATURE = RNG.normal(size=(3, 4)), RNG.uniform(0.1, 2.0, size=(3, 4))
START = RNG.normal(size=(3, 4))
ANNEALED = st.optim.schedules.LinearAnnealing(0.5, 0.99, steps=60)
FALLING = st.optim.schedules.CosineAnnealing(0.2, steps=80, low=0.01)


class Point(st.nn.Module):
    """The parameters themselves as a model; x is ignored."""

    def __init__(self, start: Array) -> None:
        self.point = st.State(np.array(start), penalised=True)

    def forward(self, x: st.Tensor) -> st.Tensor:
        return x * 0.0 + self.point.value


def slope(w: Array) -> Array:
    """The gradient of Σ c/2 (w − t)² + cos(3w)/9, which is neither constant nor convex."""
    return CURVATURE * (w - TARGET) - np.sin(3 * w) / 3


def surface(w: st.Tensor) -> st.Tensor:
    return 0.5 * st.tensor(CURVATURE) * (w - st.tensor(TARGET)) ** 2 + st.cos(3.0 * w) / 9.0


def objective(w: st.Tensor) -> st.Tensor:
    return st.sum(surface(w))


def path(rule: st.optim.Rule, steps: int = STEPS) -> list[Array]:
    """What a loop written by hand passes through."""
    model = Point(START)
    optimizer = rule.attach(model)
    points: list[Array] = []
    for _ in range(steps):
        optimizer.zero_grad()
        objective(model.point.value).backward()
        optimizer.step()
        points.append(model.point.value.numpy())
    return points


def trained_path(rule: st.optim.Rule, steps: int = STEPS) -> list[Array]:
    """What the Trainer passes through: the same rule, traced into the step."""
    model = Point(START)
    points: list[Array] = []
    trainer = st.Trainer(model, lambda f, y: st.sum(surface(f), axis=(1, 2)), rule)
    x = np.zeros((2, 1, 1))
    trainer.fit(
        x,
        np.zeros(2),
        epochs=steps,
        batch_size=None,
        callbacks=[lambda now: points.append(now.weights()["point"])],
    )
    return points


# What each rule passes through, from the transcription of its paper. A name is registered; words
# after it tell the cases of a rule apart.


def slope_at(t: int, w: Array) -> Array:
    return slope(w)


FIXED, SLOW, HEAVY = papers.constant(0.1), papers.constant(0.05), papers.constant(0.9)
PATHS: dict[str, tuple[st.optim.Rule, Callable[[papers.Slope, Array], list[Array]]]] = {
    "sgd": (st.optim.SGD(0.1), lambda g, w: papers.sgd(g, w, FIXED)),
    "sgd falling": (st.optim.SGD(FALLING), lambda g, w: papers.sgd(g, w, falling)),
    "momentum": (st.optim.Momentum(0.05), lambda g, w: papers.momentum(g, w, SLOW, HEAVY)),
    "momentum annealed": (
        st.optim.Momentum(FALLING, momentum=ANNEALED),
        lambda g, w: papers.momentum(g, w, falling, annealed),
    ),
    "nesterov": (st.optim.Nesterov(0.05), lambda g, w: papers.nesterov(g, w, SLOW, HEAVY)),
    "nesterov annealed": (
        st.optim.Nesterov(FALLING, momentum=ANNEALED),
        lambda g, w: papers.nesterov(g, w, falling, annealed),
    ),
    "nesterov_look_ahead": (
        st.optim.NesterovLookAhead(0.05),
        lambda g, w: papers.nesterov_look_ahead(g, w, SLOW, HEAVY),
    ),
    "nesterov_look_ahead annealed": (
        st.optim.NesterovLookAhead(FALLING, momentum=ANNEALED),
        lambda g, w: papers.nesterov_look_ahead(g, w, falling, annealed),
    ),
    "adagrad": (
        st.optim.Adagrad(0.1, epsilon=0.1),
        lambda g, w: papers.adagrad(g, w, FIXED, 0.1, inside=False),
    ),
    "adagrad_epsilon_inside": (
        st.optim.AdagradEpsilonInside(FALLING, epsilon=0.1),
        lambda g, w: papers.adagrad(g, w, falling, 0.1, inside=True),
    ),
    "rmsprop": (
        st.optim.RMSProp(0.05, epsilon=0.1),
        lambda g, w: papers.rmsprop(g, w, SLOW, 0.99, 0.1, inside=False),
    ),
    "rmsprop_epsilon_inside": (
        st.optim.RMSPropEpsilonInside(FALLING, beta=0.9, epsilon=0.1),
        lambda g, w: papers.rmsprop(g, w, falling, 0.9, 0.1, inside=True),
    ),
    "adam": (st.optim.Adam(0.05), lambda g, w: papers.adam(g, w, SLOW)),
    "adam with a large ε": (
        st.optim.Adam(0.05, epsilon=0.1),
        lambda g, w: papers.adam(g, w, SLOW, epsilon=0.1),
    ),
    "adam_uncorrected": (
        st.optim.AdamUncorrected(0.05, epsilon=0.1),
        lambda g, w: papers.adam(g, w, SLOW, "uncorrected", 0.1),
    ),
    "adam_epsilon_inside": (
        st.optim.AdamEpsilonInside(0.05, epsilon=0.1),
        lambda g, w: papers.adam(g, w, SLOW, "inside", 0.1),
    ),
    "adam_epsilon_before": (
        st.optim.AdamEpsilonBefore(FALLING, epsilon=0.1),
        lambda g, w: papers.adam(g, w, falling, "before", 0.1),
    ),
    "adamw": (
        st.optim.AdamW(0.05, weight_decay=0.3),
        lambda g, w: papers.adam(g, w, SLOW, decay=0.3),
    ),
}  # fmt: skip


def test_every_rule_has_its_transcription_here() -> None:
    assert {name.split()[0] for name in PATHS} == set(st.optim.RULES)


@pytest.mark.parametrize("name", [name for name in PATHS if "look_ahead" not in name])
def test_by_hand(name: str) -> None:
    rule, paper = PATHS[name]
    expected = paper(slope_at, START)[:30]  # the trainer goes all the way
    np.testing.assert_allclose(path(rule, 30), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", PATHS)
def test_in_the_trainer(name: str) -> None:
    rule, paper = PATHS[name]
    np.testing.assert_allclose(trained_path(rule), paper(slope_at, START), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in PATHS if "look_ahead" not in name])
@pytest.mark.parametrize(("dtype", "tolerance"), [(st.float32, 1e-5), (st.float64, 1e-10)])
def test_fed_recorded_gradients(name: str, dtype: np.dtype[Any], tolerance: float) -> None:
    """100 gradients of very different sizes; relative to each tensor's largest magnitude."""
    rule, paper = PATHS[name]
    random = np.random.default_rng(1)
    sizes = 10.0 ** random.uniform(-4, 1, size=(3, 4))
    gradients = (sizes * random.normal(size=(STEPS, 3, 4))).astype(np.float32)
    start = START.astype(np.float32)
    expected = paper(lambda t, w: gradients[t].astype(np.float64), start.astype(np.float64))
    model = Point(start.astype(dtype))
    optimizer = rule.attach(model)
    for gradient, point in zip(gradients, expected, strict=True):
        optimizer.step({"point": st.tensor(gradient, dtype=dtype)})
        error = np.abs(model.point.value.numpy() - point).max()
        assert error <= tolerance * np.abs(point).max()


@pytest.mark.parametrize("options", [{}, {"momentum": ANNEALED}, {"learning_rate": FALLING}])
def test_both_forms_of_nesterov_take_the_same_path(options: dict[str, Any]) -> None:
    """φ_t = θ_t + μ_{t+1} v_t, where v_t = θ_t − θ_{t−1}."""
    mu = annealed if "momentum" in options else (lambda t: 0.9)
    thetas = trained_path(st.optim.NesterovLookAhead(**options))
    phis = trained_path(st.optim.Nesterov(**options))
    before = [START, *thetas[:-1]]
    mapped = [
        theta + mu(t + 1) * (theta - last)
        for t, (theta, last) in enumerate(zip(thetas, before, strict=True))
    ]
    np.testing.assert_allclose(phis, mapped, rtol=0, atol=1e-12)


def test_momentum_unrolled_is_a_sum_of_all_gradients() -> None:
    """w_T = w₀ − η Σ_t g_t Σ_{i ≤ T−t} μ^i, for gradients that do not depend on w."""
    eta, mu = 0.1, 0.8
    gradients = RNG.normal(size=(20, 3))
    model = Point(np.zeros(3))
    optimizer = st.optim.Momentum(eta, momentum=mu).attach(model)
    for each in gradients:
        optimizer.step({"point": st.tensor(each)})
    expected = -eta * sum(g * sum(mu**i for i in range(20 - t)) for t, g in enumerate(gradients))
    np.testing.assert_allclose(model.point.value.numpy(), expected, rtol=0, atol=1e-12)


def test_adam_is_indifferent_to_the_scale_of_the_loss_when_epsilon_is_tiny() -> None:
    small, large = Point(START), Point(START)
    optimizers = [st.optim.Adam(0.01, epsilon=1e-30).attach(each) for each in (small, large)]
    for _ in range(20):
        gradient = slope(small.point.value.numpy())
        optimizers[0].step({"point": st.tensor(gradient)})
        optimizers[1].step({"point": st.tensor(1000 * gradient)})
    np.testing.assert_allclose(small.point.value.numpy(), large.point.value.numpy(), atol=1e-12)


def test_adams_first_step_has_the_length_of_the_rate() -> None:
    model = Point(START)
    st.optim.Adam(0.01).attach(model).step({"point": st.tensor(slope(START))})
    moved = np.abs(model.point.value.numpy() - START)
    np.testing.assert_allclose(moved, 0.01, rtol=1e-6)


# --------------------------------------------------------------------------- loops written by hand


@pytest.mark.row("T1")
def test_loop_by_hand_without_an_optimizer() -> None:
    w: st.Tensor = st.tensor(START, requires_grad=True)
    for _ in range(STEPS):
        w.grad = None
        objective(w).backward()
        with st.no_grad():
            assert w.grad is not None
            w -= 0.1 * w.grad
    np.testing.assert_allclose(
        w.detach().numpy(), papers.sgd(slope_at, START, FIXED)[-1], rtol=0, atol=1e-10
    )


def test_gradients_add_up_until_zero_grad() -> None:
    model = Point(START)
    optimizer = st.optim.SGD(0.1).attach(model)
    st.sum(model.point.value).backward()
    optimizer.step()
    assert model.point.value.grad is not None  # as in PyTorch
    st.sum(model.point.value).backward()
    np.testing.assert_array_equal(model.point.value.grad.numpy(), 2.0)
    optimizer.zero_grad()
    assert model.point.value.grad is None


def test_step_takes_the_gradients_of_grad() -> None:
    one, two = Point(START), Point(START)
    objective(one.point.value).backward()
    st.optim.SGD(0.1).attach(one).step()
    gradients = st.grad(lambda model: objective(model.point.value))(two)
    st.optim.SGD(0.1).attach(two).step(gradients)
    np.testing.assert_array_equal(one.point.value.numpy(), two.point.value.numpy())


def test_step_leaves_parameters_without_gradient_alone() -> None:
    model = st.nn.Linear(2, 1)
    st.sum(model.weight.value).backward()
    st.optim.SGD(0.5).attach(model).step()
    assert model.bias is not None
    assert not model.bias.value.numpy().any()


def test_step_without_backward_says_so() -> None:
    with pytest.raises(GradientError, match=r"call backward\(\) on the loss first"):
        st.optim.SGD(0.1).attach(Point(START)).step()


def test_look_ahead_by_hand_points_to_nesterov() -> None:
    with pytest.raises(ConfigurationError, match="use Nesterov"):
        st.optim.NesterovLookAhead(0.1).attach(Point(START))


@pytest.mark.row("T1")
def test_epochs_of_a_hand_written_loop_are_the_users() -> None:
    model = Point(START)
    rate = st.optim.schedules.PerEpoch(st.optim.schedules.LinearAnnealing(1.0, 0.0, steps=4))
    optimizer: st.optim.Attached = st.optim.SGD(rate).attach(model)
    moves: list[float] = []
    for epoch in range(3):
        optimizer.epoch = epoch
        for _ in range(2):
            before = model.point.value.numpy()
            optimizer.step({"point": st.ones((3, 4), dtype=st.float64)})
            moves.append(float((before - model.point.value.numpy())[0, 0]))
    np.testing.assert_allclose(moves, [1.0, 1.0, 0.75, 0.75, 0.5, 0.5])


def test_defaults_are_those_of_the_papers() -> None:
    assert (st.optim.Adam().learning_rate, st.optim.AdamW().learning_rate) == (0.001, 0.001)
    for rule in (st.optim.Adam(), st.optim.AdamW()):
        assert (rule.beta1, rule.beta2, rule.epsilon) == (0.9, 0.999, 1e-8)
    assert (
        st.optim.AdamW().weight_decay == st.optim.WeightDecay(st.optim.SGD()).weight_decay == 0.01
    )
    for kind in (st.optim.Momentum, st.optim.Nesterov, st.optim.NesterovLookAhead):
        assert (kind().learning_rate, kind().momentum) == (0.01, 0.9)
    assert st.optim.SGD().learning_rate == 0.01


@pytest.mark.parametrize("name", st.optim.RULES)
def test_float32_parameters_stay_float32(name: str) -> None:
    """Schedules and corrections are computed in float64, and cast at the end."""
    if name == "nesterov_look_ahead":
        return
    model = st.nn.Linear(3, 2)
    kind: Any = st.optim.rule(name)
    optimizer = kind(learning_rate=FALLING).attach(model)
    st.sum(model(st.ones((4, 3)))).backward()
    optimizer.step()
    assert {cell.dtype for cell in model.states().values()} == {np.dtype("float32")}


# -------------------------------------------------------------------------------- what is refused

BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: st.optim.SGD(0.0), "learning_rate is a number above 0"),
    (lambda: st.optim.SGD(-1.0), "learning_rate is a number above 0"),
    (lambda: st.optim.SGD(math.nan), "learning_rate is a number above 0"),
    (lambda: st.optim.SGD(math.inf), "learning_rate is a number above 0"),
    (lambda: st.optim.SGD("0.1"), "learning_rate is a number above 0"),  # type: ignore[arg-type]
    (lambda: st.optim.Momentum(momentum=1.0), "momentum is a number from 0 to below 1"),
    (lambda: st.optim.Nesterov(momentum=-0.1), "momentum is a number from 0 to below 1"),
    (lambda: st.optim.NesterovLookAhead(momentum=2.0), "momentum is a number from 0 to below 1"),
    (lambda: st.optim.Adam(beta1=1.0), "beta1 is a number from 0 to below 1"),
    (lambda: st.optim.Adam(beta2=-0.5), "beta2 is a number from 0 to below 1"),
    (lambda: st.optim.Adam(epsilon=-1e-8), "epsilon is a number from 0 on"),
    (lambda: st.optim.AdamW(weight_decay=-1.0), "weight_decay is a number from 0 on"),
    (lambda: st.optim.AdamW(learning_rate=0.0), "AdamW: learning_rate"),
    (lambda: st.optim.AdamW(beta1=1.5), "AdamW: beta1"),
    (lambda: st.optim.AdamW(beta2=1.0), "AdamW: beta2"),
    (lambda: st.optim.AdamW(epsilon=-1.0), "AdamW: epsilon"),
    (lambda: st.optim.Adam(0.0), "Adam: learning_rate"),
    (lambda: st.optim.Momentum(0.0), "Momentum: learning_rate"),
    (lambda: st.optim.Nesterov(0.0), "Nesterov: learning_rate"),
    (lambda: st.optim.NesterovLookAhead(0.0), "NesterovLookAhead: learning_rate"),
    (lambda: st.optim.rule("adm"), "did you mean 'adam'"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_impossible_values_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    anything: Any = st.optim
    with pytest.raises(ConfigurationError, match="Adam has no option 'lr'; write learning_rate"):
        anything.Adam(lr=0.1)
    with pytest.raises(ConfigurationError, match="SGD has no option 'momentum'; valid: 'learning"):
        anything.SGD(0.1, momentum=0.9)
    with pytest.raises(ConfigurationError, match="AdamW has no option 'weightdecay'; did you mean"):
        anything.AdamW(weightdecay=0.1)
    assert str(inspect.signature(st.optim.SGD)).startswith("(learning_rate:")
    assert pickle.loads(pickle.dumps(st.optim.Adam(0.1))) == st.optim.Adam(0.1)


def test_attach_takes_the_model() -> None:
    anything: Any = st.optim.SGD(0.1)
    with pytest.raises(ConfigurationError, match=r"attach\(net\) and not net.parameters\(\)"):
        anything.attach(st.nn.Linear(1, 1).parameters())
    with pytest.raises(ConfigurationError, match="this is the class Linear"):
        anything.attach(st.nn.Linear)
