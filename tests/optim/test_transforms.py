"""Rules around rules: decay, clipping, averages and groups, alone and inside of each other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from kit import papers
from steepest.errors import ConfigurationError
from steepest.transform.executable import Backend

Array = Any
pytestmark = pytest.mark.row("O7", "P12", "E3")
opt = st.optim
FALLING = opt.schedules.CosineAnnealing(0.2, steps=80, low=0.01)
START = {
    "layers.0.weight": np.array([[0.5, -0.3], [0.02, 1.5], [-2.0, 0.7]]),
    "layers.0.bias": np.array([0.3, -0.01, 2.0]),
    "layers.1.weight": np.array([[1.0, -0.2, 0.03]]),
    "layers.1.bias": np.array([0.1]),
}


def network() -> st.nn.Sequential:
    """Two linear layers, which hold START."""
    net = st.nn.Sequential(st.nn.Linear(2, 3), st.nn.Linear(3, 1)).astype(st.float64)
    for name, cell in net.states().items():
        cell.assign(START[name])
    return net


def recorded(steps: int = 40, size: float = 1.0) -> list[dict[str, Array]]:
    random = np.random.default_rng(5)
    return [
        {name: size * random.normal(size=value.shape) for name, value in START.items()}
        for _ in range(steps)
    ]


def fed(rule: opt.Rule, gradients: list[dict[str, Array]]) -> list[dict[str, Array]]:
    """The parameters after each step."""
    net = network()
    optimizer = rule.attach(net)
    points: list[dict[str, Array]] = []
    for each in gradients:
        optimizer.step({name: st.tensor(value) for name, value in each.items()})
        points.append({name: cell.value.numpy() for name, cell in net.states().items()})
    return points


def assert_same(found: list[dict[str, Array]], expected: list[dict[str, Array]]) -> None:
    for one, two in zip(found, expected, strict=True):
        for name in START:
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-12, err_msg=name)


def by_parameter(
    of: Callable[[str, papers.Slope, Array], list[Array]], gradients: list[dict[str, Array]]
) -> list[dict[str, Array]]:
    """A transcription for each parameter by itself, put together."""
    paths = {
        name: of(name, lambda t, w, name=name: gradients[t][name], START[name]) for name in START
    }
    return [{name: paths[name][t] for name in START} for t in range(papers.STEPS)]


def clipped_by_norm(gradients: list[dict[str, Array]], limit: float) -> list[dict[str, Array]]:
    """Algorithm 1 of Pascanu, Mikolov and Bengio."""
    result: list[dict[str, Array]] = []
    for each in gradients:
        norm = np.linalg.norm(np.concatenate([value.ravel() for value in each.values()]))
        factor = limit / norm if norm >= limit else 1.0
        result.append({name: factor * value for name, value in each.items()})
    return result


# ------------------------------------------------------------------------------------------- decay


def test_decay_is_decoupled_and_spares_biases() -> None:
    """With a zero gradient, weights shrink by 1 − η_t λ a step and biases stay."""
    zero = [{name: np.zeros_like(value) for name, value in START.items()}] * 3
    found = fed(opt.WeightDecay(opt.Momentum(FALLING), weight_decay=0.5), zero)[-1]
    factor = np.prod([1 - papers.falling(t) * 0.5 for t in range(3)])
    for name, start in START.items():
        expected = start * (factor if "weight" in name else 1.0)
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)


def test_adamw_is_adam_with_weight_decay_around_it() -> None:
    composed = opt.WeightDecay(opt.Adam(0.05), 0.3)
    assert_same(fed(composed, recorded()), fed(opt.AdamW(0.05, weight_decay=0.3), recorded()))


def test_l1_is_a_soft_threshold_after_the_rules_step() -> None:
    """z = w − η g; w ← sign(z) max(|z| − η λ, 0), of weights only."""
    gradients = recorded(size=0.3)
    found = fed(opt.L1Decay(opt.SGD(FALLING), l1=0.7), gradients)
    w, zeros = dict(START), 0
    for t, each in enumerate(gradients):
        for name in w:
            z = w[name] - papers.falling(t) * each[name]
            threshold = papers.falling(t) * 0.7
            soft = np.sign(z) * np.maximum(np.abs(z) - threshold, 0)
            w[name] = soft if "weight" in name else z
            np.testing.assert_allclose(found[t][name], w[name], rtol=0, atol=1e-13)
            np.testing.assert_array_equal(found[t][name] == 0, w[name] == 0)
            zeros += int((w[name] == 0).sum())
    assert zeros > 50


def test_l1_finds_the_lasso() -> None:
    """½‖f − y‖²/n + λ‖w‖₁ has its minimum where no coordinate can be improved."""
    random, rows = np.random.default_rng(0), 60
    x = random.normal(size=(rows, 6))
    y = x @ np.array([2.0, 0, 0, -1.0, 0, 0]) + 0.1 * random.normal(size=rows)
    w = np.zeros(6)
    for _ in range(300):  # coordinate descent, each coordinate's minimum in closed form
        for j in range(6):
            rest = y - x @ w + x[:, j] * w[j]
            z, scale = x[:, j] @ rest / rows, x[:, j] @ x[:, j] / rows
            w[j] = np.sign(z) * max(abs(z) - 0.3, 0) / scale
    model = st.nn.Linear(6, 1, bias=False).astype(st.float64)
    model.weight.assign(np.zeros((1, 6)))
    trainer = st.Trainer(model, "half_squared_error", opt.L1Decay(opt.SGD(0.2), l1=0.3))
    trainer.fit(x, y, epochs=400, batch_size=None)
    np.testing.assert_allclose(model.weight.value.numpy()[0], w, atol=1e-9)
    np.testing.assert_array_equal(model.weight.value.numpy()[0] == 0, w == 0)
    assert (w == 0).sum() == 4


# ---------------------------------------------------------------------------------------- clipping


def test_clipping_by_value() -> None:
    gradients = recorded(size=3.0)
    expected = [{k: np.clip(v, -1.5, 1.5) for k, v in each.items()} for each in gradients]
    assert_same(fed(opt.ClipByValue(opt.Adam(0.05), 1.5), gradients), fed(opt.Adam(0.05), expected))


@pytest.mark.parametrize("limit", [0.1, 3.0, 4.0, 100.0])
def test_clipping_by_the_norm_of_all_gradients_together(limit: float) -> None:
    gradients = recorded()
    expected = clipped_by_norm(gradients, limit)
    found = fed(opt.ClipByNorm(opt.Momentum(0.05), limit), gradients)
    assert_same(found, fed(opt.Momentum(0.05), expected))


def test_parameters_without_a_gradient_do_not_count_in_the_norm() -> None:
    net = network()
    only = {"layers.1.bias": st.tensor([4.0], dtype=st.float64)}
    opt.ClipByNorm(opt.SGD(1.0), 1.0).attach(net).step(only)
    assert net.states()["layers.1.bias"].value.item() == pytest.approx(0.1 - 1.0)
    np.testing.assert_array_equal(
        net.states()["layers.0.weight"].value.numpy(), START["layers.0.weight"]
    )


def test_the_norm_of_parameters_of_two_element_types() -> None:
    net = network()
    net.states()["layers.0.bias"].convert(np.dtype(np.float32))
    opt.ClipByNorm(opt.SGD(1.0), 1.0).attach(net).step(
        {name: st.ones_like(cell.value) for name, cell in net.states().items()}
    )
    moved = START["layers.0.weight"] - net.states()["layers.0.weight"].value.numpy()
    np.testing.assert_allclose(moved, 1 / np.sqrt(13), rtol=1e-12)
    assert net.states()["layers.0.bias"].dtype == np.float32


# ------------------------------------------------------------------------------------------ groups


def test_groups_have_their_own_rate_and_decay() -> None:
    groups = [
        opt.Group("layers.0.*", rate=0.1),
        opt.Group("*.bias", rate=2.0, decay=1.0),
        opt.Group("*", rate=0.0),  # what is fitted by none of the others stays
    ]
    gradients = recorded(papers.STEPS)
    found = fed(opt.ForGroups(opt.WeightDecay(opt.Adam(FALLING), 0.3), groups), gradients)

    def expected(name: str, slope: papers.Slope, start: Array) -> list[Array]:
        rate = 0.1 if "layers.0" in name else 2.0 if "bias" in name else 0.0
        decay = 0.3 if name in ("layers.0.weight", "layers.1.bias") else 0.0
        return papers.adam(slope, start, lambda t: rate * papers.falling(t), decay=decay)

    assert_same(found, by_parameter(expected, gradients))


@pytest.mark.parametrize("name", [name for name in opt.RULES if "look_ahead" not in name])
def test_a_groups_factor_is_a_factor_of_the_learning_rate(name: str) -> None:
    """Of every rule: a group with all parameters is the rule at another rate."""
    make: Any = opt.rule(name)
    gradients = recorded(steps=20)
    found = fed(opt.ForGroups(make(0.05), [opt.Group("*", rate=0.3)]), gradients)
    assert_same(found, fed(make(0.05 * 0.3), gradients))


def test_without_the_factor_a_group_changes_nothing() -> None:
    rule = opt.AdamW(FALLING)
    found = fed(opt.ForGroups(rule, [opt.Group("layers.0.weight")]), recorded())
    assert_same(found, fed(rule, recorded()))


def test_groups_know_parameters_by_their_names_in_the_whole_model() -> None:
    """A part that is asked for its cells names them from where it stands."""
    net = network()
    rule = opt.ForGroups(opt.SGD(1.0), [opt.Group("layers.0.*", rate=0.0)])
    optimizer = rule.attach(net)
    first = net.layers[0]
    assert isinstance(first, st.nn.Linear)
    assert list(first.states()) == ["weight", "bias"]
    optimizer.step({name: st.tensor(value) for name, value in START.items()})
    for name, cell in net.states().items():
        expected = START[name] * (1.0 if name.startswith("layers.0") else 0.0)
        np.testing.assert_array_equal(cell.value.numpy(), expected)


def test_a_pattern_that_fits_nothing_is_refused_with_what_is_near() -> None:
    rule = opt.ClipByNorm(
        opt.ForGroups(opt.SGD(0.1), [opt.Group("*"), opt.Group("layer.0.weight")])
    )
    message = "no parameter fits 'layer.0.weight'; did you mean 'layers.0.weight'"
    with pytest.raises(ConfigurationError, match=message):
        rule.attach(network())
    with pytest.raises(ConfigurationError, match=message):
        st.Trainer(network(), "half_squared_error", rule)


# ------------------------------------------------------------------------ averages, and all at once


def averaged(points: list[dict[str, Array]], decay: float) -> dict[str, Array]:
    average = dict(START)
    for point in points:
        average = {k: decay * average[k] + (1 - decay) * point[k] for k in average}
    return average


def everything() -> opt.Rule:
    decayed = opt.L1Decay(opt.WeightDecay(opt.Nesterov(FALLING, momentum=0.9), 0.3), 0.05)
    grouped = opt.ForGroups(opt.ClipByNorm(decayed, 2.0), [opt.Group("layers.1.*", rate=0.5)])
    return opt.ClipByValue(grouped, 1.5)


def everything_by_hand(gradients: list[dict[str, Array]]) -> list[dict[str, Array]]:
    clipped = [{k: np.clip(v, -1.5, 1.5) for k, v in each.items()} for each in gradients]
    clipped = clipped_by_norm(clipped, 2.0)
    w, v = dict(START), {k: np.zeros_like(value) for k, value in START.items()}
    points: list[dict[str, Array]] = []
    for t, each in enumerate(clipped):
        for k in w:
            rate = papers.falling(t) * (0.5 if "layers.1" in k else 1.0)
            following = 0.9 * v[k] - rate * each[k]
            change = -0.9 * v[k] + 1.9 * following
            v[k] = following
            if "weight" in k:
                z = w[k] + change - rate * 0.3 * w[k]
                w[k] = np.sign(z) * np.maximum(np.abs(z) - rate * 0.05, 0)
            else:
                w[k] = w[k] + change
        points.append(dict(w))
    return points


def test_all_of_them_at_once() -> None:
    gradients = recorded()
    net = network()
    optimizer = opt.AveragedParameters(everything(), decay=0.9).attach(net)
    found: list[dict[str, Array]] = []
    for each in gradients:
        optimizer.step({name: st.tensor(value) for name, value in each.items()})
        found.append({name: cell.value.numpy() for name, cell in net.states().items()})
    expected = everything_by_hand(gradients)
    assert_same(found, expected)
    averages = {name: value.numpy() for name, value in optimizer.averages().items()}
    assert_same([averages], [averaged(expected, 0.9)])


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_all_of_them_at_once_in_the_trainer(backend: Backend) -> None:
    """The compiled step takes the path of a loop written by hand."""
    random = np.random.default_rng(3)
    x, y = 3 * random.normal(size=(16, 2)), random.normal(size=16)
    by_hand, trained = network(), network()
    optimizer = everything().attach(by_hand)
    loss = st.losses.HalfSquaredError()
    for _ in range(12):
        optimizer.zero_grad()
        st.mean(loss(by_hand(st.tensor(x))[:, 0], st.tensor(y))).backward()
        optimizer.step()
    seen: list[dict[str, Array]] = []
    st.Trainer(trained, loss, everything(), backend=backend).fit(
        x, y, epochs=12, batch_size=None, callbacks=[lambda now: seen.append(dict(now.values))]
    )
    expected = {name: cell.value.numpy() for name, cell in by_hand.states().items()}
    for name in START:
        np.testing.assert_allclose(seen[-1][name], expected[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("inside", [opt.Momentum(0.05), opt.AdamW(0.05)])
def test_averages_leave_the_path_alone_and_start_where_training_does(inside: opt.Rule) -> None:
    gradients = recorded(steps=30)
    net = st.nn.Sequential(st.nn.Linear(2, 3), st.nn.Linear(3, 1)).astype(st.float64)
    optimizer = opt.AveragedParameters(inside, decay=0.9).attach(net)
    for name, cell in net.states().items():  # after attaching
        cell.assign(START[name])
    points = fed(inside, gradients)
    for each, point in zip(gradients, points, strict=True):
        optimizer.step({name: st.tensor(value) for name, value in each.items()})
        for name, cell in net.states().items():
            np.testing.assert_array_equal(cell.value.numpy(), point[name])
    averages = {name: value.numpy() for name, value in optimizer.averages().items()}
    assert_same([averages], [averaged(points, 0.9)])


@pytest.mark.parametrize("which", [opt.ClipByNorm, opt.ClipByValue, opt.WeightDecay, opt.L1Decay])
def test_each_goes_around_each(which: Any) -> None:  # noqa: ANN401 - the classes have no common type
    for other in (opt.ClipByNorm, opt.ClipByValue, opt.WeightDecay, opt.L1Decay):
        rule: opt.Rule = which(other(opt.Adam(0.01)))
        assert all(np.isfinite(value).all() for value in fed(rule, recorded(3))[-1].values())
        assert rule.rate == 0.01
        assert rule.slots() == opt.Adam().slots()


# --------------------------------------------------------------------------------- what is refused

anything: Any = opt
BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: opt.WeightDecay(opt.SGD(), -1.0), "weight_decay is a number from 0 on"),
    (lambda: opt.L1Decay(opt.SGD(), -1.0), "l1 is a number from 0 on"),
    (lambda: opt.ClipByValue(opt.SGD(), 0.0), "limit is a number above 0"),
    (lambda: opt.ClipByNorm(opt.SGD(), -1.0), "limit is a number above 0"),
    (lambda: anything.ClipByNorm(opt.SGD(), "1"), "limit is a number above 0"),
    (lambda: opt.AveragedParameters(opt.SGD(), 1.0), "decay is a number from 0 to below 1"),
    (lambda: anything.ClipByNorm(0.1), "goes around a rule such as Adam"),
    (lambda: anything.WeightDecay(opt.SGD), "goes around a rule such as Adam"),
    (lambda: opt.WeightDecay(opt.NesterovLookAhead(0.1)), "compose it with Nesterov"),
    (lambda: opt.ClipByNorm(opt.NesterovLookAhead(0.1)), "compose it with Nesterov"),
    (lambda: opt.AveragedParameters(opt.NesterovLookAhead(0.1)), "compose it with Nesterov"),
    (
        lambda: opt.WeightDecay(opt.AveragedParameters(opt.SGD())),
        "AveragedParameters goes around it",
    ),
    (lambda: opt.AveragedParameters(opt.AveragedParameters(opt.SGD())), "goes around it"),
    (lambda: opt.Group("*", rate=-1.0), "rate is a number from 0 on"),
    (lambda: opt.Group("*", decay=-1.0), "decay is a number from 0 on"),
    (lambda: opt.ForGroups(opt.SGD(), []), "groups are a list such as"),
    (lambda: anything.ForGroups(opt.SGD(), ["*"]), "groups are a list such as"),
    (lambda: anything.ClipByNorm(opt.SGD(), max_norm=1.0), "ClipByNorm has no option 'max_norm'"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_impossible_values_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
