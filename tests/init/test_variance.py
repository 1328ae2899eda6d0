"""How the variance travels through deep networks: the experiments of the third lecture."""

from itertools import pairwise

import numpy as np
import pytest

import steepest as st

pytestmark = pytest.mark.row("I6")

WIDTH, LAYERS, EXAMPLES = 1024, 7, 128
LECUN = WIDTH**-0.5


def variances(activation: st.nn.Activation, deviation: float) -> list[float]:
    """Of each layer's outputs, for weights N(0, deviation²) and inputs N(0, 1)."""
    generator = np.random.default_rng(0)
    net = st.nn.Sequential(*[st.nn.Sequential(linear(), activation) for _ in range(LAYERS)])
    for cell in net.parameters().values():
        cell.assign(generator.normal(scale=deviation, size=cell.shape).astype(np.float32))
    x = st.tensor(generator.normal(size=(EXAMPLES, WIDTH)).astype(np.float32))
    with st.nn.watching() as calls:
        net(x)
    layers = [result for module, result in calls if module in net.layers]
    return [float(np.var(each.numpy())) for each in layers]


def linear() -> st.nn.Linear:
    return st.nn.Linear(WIDTH, WIDTH, bias=False, initialise=st.init.forced("zeros"))


def test_too_small_weights_let_tanh_layers_collapse() -> None:
    assert variances(st.nn.tanh, 0.001)[-1] < 1e-8


def test_lecuns_variance_falls_slowly_through_tanh() -> None:
    found = variances(st.nn.tanh, LECUN)
    assert found[0] == pytest.approx(0.4, abs=0.03)
    assert found[-1] == pytest.approx(0.07, abs=0.01)
    assert (np.diff(found) < 0).all()


def test_too_large_weights_saturate_tanh() -> None:
    found = variances(st.nn.tanh, 32 * LECUN)
    assert min(found) > 0.95  # nearly all outputs are −1 or 1


@pytest.mark.parametrize("multiple", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_with_relu_the_variance_grows_by_the_multiple_of_hes_at_each_layer(multiple: float) -> None:
    found = variances(st.nn.relu, (multiple * 2.0 / WIDTH) ** 0.5)
    for before, after in pairwise(found):
        assert after / before == pytest.approx(multiple, rel=0.12)


def test_xaviers_variance_halves_at_each_relu_layer_where_hes_stays() -> None:
    xavier, he = variances(st.nn.relu, LECUN), variances(st.nn.relu, 2**0.5 * LECUN)
    assert xavier[-1] / xavier[0] == pytest.approx(0.5 ** (LAYERS - 1), rel=0.3)
    assert he[-1] / he[0] == pytest.approx(1.0, rel=0.3)
