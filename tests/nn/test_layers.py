"""Layers and networks against NumPy, and the gradients of a perceptron derived by hand."""

import itertools

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, DTypeError, ShapeError

RNG = np.random.default_rng(0)


# ----------------------------------------------------------------------------------------- linear


@pytest.mark.parametrize("lead", [(), (5,), (2, 3)])
def test_linear_is_x_times_w_transposed_plus_b(lead: tuple[int, ...]) -> None:
    layer = st.nn.Linear(4, 3).astype(st.float64)
    layer.bias.assign(RNG.normal(size=3)) if layer.bias else None
    x = RNG.normal(size=(*lead, 4))
    assert layer.bias is not None
    expected = x @ layer.weight.value.numpy().T + layer.bias.value.numpy()
    np.testing.assert_allclose(layer(st.tensor(x)).detach().numpy(), expected, rtol=1e-12)


@pytest.mark.row("O6", "I4")
def test_linear_penalises_the_weight_and_not_the_bias() -> None:
    layer = st.nn.Linear(4, 3)
    assert layer.weight.penalised
    assert layer.bias is not None
    assert not layer.bias.penalised
    assert layer.weight.shape == (3, 4)
    assert not layer.bias.value.numpy().any()


def test_linear_without_bias() -> None:
    layer = st.nn.Linear(4, 3, bias=False)
    assert list(layer.states()) == ["weight"]
    assert layer(st.zeros((2, 4))).detach().numpy().any() == np.False_


def test_linear_names_what_it_wants() -> None:
    with pytest.raises(ShapeError, match=r"Linear\(inputs=4, outputs=3\).*last axis should be 4"):
        st.nn.Linear(4, 3)(st.ones((2, 5)))


@pytest.mark.parametrize("sizes", [(0, 1), (1, -1), (True, 1), (2.0, 1)])
def test_linear_refuses_impossible_sizes(sizes: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match="whole number from 1"):
        st.nn.Linear(*sizes)


# -------------------------------------------------------------------------------------- embedding


@pytest.mark.row("M8")
def test_embedding_looks_up_and_code_zero_is_exactly_zero() -> None:
    layer = st.nn.Embedding(3, 2)
    table = layer.weight.value.numpy()
    found = layer(st.tensor([[1, 0], [3, 2]])).detach().numpy()
    np.testing.assert_array_equal(found, [[table[0], [0, 0]], [table[2], table[1]]])


@pytest.mark.parametrize("dtype", [st.int32, st.int64, st.uint8])
def test_embedding_takes_any_integers(dtype: np.dtype) -> None:  # type: ignore[type-arg]
    layer = st.nn.Embedding(3, 2)
    codes = st.tensor(np.array([0, 1, 3], dtype))
    assert layer(codes).detach().numpy()[0].tolist() == [0.0, 0.0]


@pytest.mark.row("M8")
def test_embedding_gradient_counts_occurrences_and_skips_code_zero() -> None:
    layer = st.nn.Embedding(3, 2)
    st.sum(layer(st.tensor([0, 2, 2, 3]))).backward()
    gradient = layer.weight.value.grad
    assert gradient is not None
    np.testing.assert_array_equal(gradient.numpy(), [[0, 0], [2, 2], [1, 1]])


def test_embedding_of_an_untrained_level_is_zero_even_if_the_table_is_nan() -> None:
    layer = st.nn.Embedding(1, 2)
    layer.weight.assign(np.full((1, 2), np.nan))
    assert not layer(st.tensor([0])).detach().numpy().any()


def test_embedding_refuses_codes_it_has_no_vector_for() -> None:
    with pytest.raises(ShapeError, match="position 3 is outside of an axis of extent 3"):
        st.nn.Embedding(3, 2)(st.tensor([1, 4]))
    assert not st.nn.Embedding(3, 2)(st.tensor([-1])).detach().numpy().any()


def test_embedding_refuses_floats() -> None:
    with pytest.raises(DTypeError, match="codes are integers"):
        st.nn.Embedding(3, 2)(st.tensor([1.0]))


# ---------------------------------------------------------------------------------------- dropout


def test_dropout_does_nothing_in_use() -> None:
    x = st.tensor(RNG.normal(size=(4, 5)))
    assert st.nn.Dropout(0.5)(x) is x


@pytest.mark.row("N4")
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_rate_is_the_probability_of_dropping(rate: float) -> None:
    x = st.ones((500, 200))
    with st.nn.training(), st.random.stream(3):
        found = st.nn.Dropout(rate)(x).numpy()
    assert abs(float((found == 0).mean()) - rate) < 0.005
    kept = found[found != 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-6)
    assert abs(float(found.mean()) - 1.0) < 0.03  # the expectation is x


def test_dropout_has_a_fresh_mask_for_each_example_and_each_call() -> None:
    layer, x = st.nn.Dropout(0.5), st.ones((50, 64))
    with st.nn.training(), st.random.stream(3):
        first, second = layer(x).numpy(), layer(x).numpy()
    assert len({row.tobytes() for row in first}) == 50
    assert (first != second).mean() > 0.4


def test_dropout_gradient_goes_through_the_same_mask() -> None:
    layer, x = st.nn.Dropout(0.5), st.ones((10, 10))
    with st.nn.training():
        with st.random.stream(3):
            forward = layer(x).numpy()
        with st.random.stream(3):
            gradient = st.grad(lambda x: st.sum(layer(x)))(x).numpy()
    np.testing.assert_array_equal(forward, gradient)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, float("nan")])
def test_dropout_refuses_impossible_rates(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="probability of dropping"):
        st.nn.Dropout(rate)


# --------------------------------------------------------------------------------------- networks


@pytest.mark.row("M7")
def test_residual_adds_the_input() -> None:
    inner = st.nn.Linear(3, 3)
    x = st.tensor(RNG.normal(size=(4, 3)), dtype=st.float32)
    found = st.nn.Residual(inner)(x).detach().numpy()
    np.testing.assert_allclose(found, x.numpy() + inner(x).detach().numpy(), rtol=1e-6)


def test_residual_refuses_another_shape() -> None:
    with pytest.raises(ShapeError, match="cannot be added to z"):
        st.nn.Residual(st.nn.Linear(3, 2))(st.ones((4, 3)))


@pytest.mark.row("M2")
def test_identity_activations_stay_linear_however_deep() -> None:
    net = st.nn.MLP(3, [7, 5, 6], 2, activation="identity").astype(st.float64)
    x, y = RNG.normal(size=(2, 10, 3))
    f = lambda x: net(st.tensor(x)).detach().numpy()  # noqa: E731
    zero = f(np.zeros((10, 3)))
    np.testing.assert_allclose(
        f(2.5 * x - 0.5 * y) - zero, 2.5 * (f(x) - zero) - 0.5 * (f(y) - zero), rtol=0, atol=1e-12
    )


def test_mlp_layers_are_those_asked_for() -> None:
    net = st.nn.MLP(4, [8, 6], 3, activation="tanh", dropout=0.2, output_activation="sigmoid")
    kinds = [repr(layer) for layer in net.layers]
    assert kinds == [
        "Linear(inputs=4, outputs=8)",
        "tanh",
        "Dropout(rate=0.2)",
        "Linear(inputs=8, outputs=6)",
        "tanh",
        "Dropout(rate=0.2)",
        "Linear(inputs=6, outputs=3)",
        "sigmoid",
    ]
    outputs = net(st.tensor(RNG.normal(size=(20, 4)) * 100, dtype=st.float32)).detach().numpy()
    assert ((outputs >= 0) & (outputs <= 1)).all()


def test_mlp_without_hidden_layers_is_linear() -> None:
    assert [repr(layer) for layer in st.nn.MLP(4, [], 3).layers] == ["Linear(inputs=4, outputs=3)"]


@pytest.mark.row("I3")
def test_mlp_initialises_by_activation() -> None:
    relu, tanh = st.nn.MLP(4, [8], 3), st.nn.MLP(4, [8], 3, activation="tanh")
    names = [
        [layer.initialiser.name for layer in net.layers if isinstance(layer, st.nn.Linear)]
        for net in (relu, tanh)
    ]
    assert names == [["he_normal", "glorot_uniform"], ["glorot_uniform", "glorot_uniform"]]


@pytest.mark.row("I1", "I4")
def test_equal_units_are_refused_in_hidden_layers_only_and_can_be_forced() -> None:
    for make in (
        lambda: st.nn.MLP(2, [3], 1, initialise="zeros"),
        lambda: st.nn.Sequential(
            st.nn.Linear(2, 3, initialise=st.init.constant(0.5)), st.nn.tanh, st.nn.Linear(3, 1)
        ),
    ):
        with pytest.raises(ConfigurationError, match="units are then equal"):
            make()
    st.nn.Sequential(st.nn.Linear(2, 3, initialise="zeros"))  # an output layer may start at 0
    net = st.nn.MLP(2, [3], 1, initialise=st.init.forced(st.init.constant(0.5)))
    x = st.tensor(RNG.normal(size=(5, 2)), dtype=st.float32)
    gradient = st.grad(lambda net: st.sum(net(x) ** 2))(net)["layers.0.weight"].numpy()
    np.testing.assert_array_equal(gradient, np.repeat(gradient[:1], 3, axis=0))


def test_equal_seeds_draw_equal_networks() -> None:
    def draw(seed: int) -> list[np.ndarray]:  # type: ignore[type-arg]
        with st.random.stream(seed):
            net = st.nn.MLP(4, [8], 3)
        return [cell.value.numpy() for cell in net.states().values()]

    for a, b in zip(draw(1), draw(1), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (draw(1)[0] != draw(2)[0]).all()


@pytest.mark.row("D7")
@pytest.mark.parametrize(
    ("activation", "loss"),
    list(itertools.product(["sigmoid", "tanh", "relu"], ["squares", "classes"])),
)
def test_gradients_derived_by_hand_equal_the_automatic_ones(activation: str, loss: str) -> None:
    """z(l) = σ(a(l)), a(l) = W(l) z(l−1) + b(l); δ(l) = (W(l+1)ᵀ δ(l+1)) ∘ σ'(a(l))."""
    net = st.nn.MLP(5, [7, 6], 3, activation=activation).astype(st.float64)
    x = RNG.normal(size=5)
    y = RNG.normal(size=3)

    def total(net: st.nn.MLP) -> st.Tensor:
        f = net(st.tensor(x[None, :]))
        if loss == "squares":
            return st.sum(0.5 * (f - st.tensor(y[None, :])) ** 2)
        return st.sum(st.losses.CrossEntropy()(f, st.tensor([2])))

    found = st.grad(total)(net)
    cells = {name: cell.value.numpy() for name, cell in net.states().items()}
    weights = [cells[f"layers.{i}.weight"] for i in (0, 2, 4)]
    biases = [cells[f"layers.{i}.bias"] for i in (0, 2, 4)]
    sigma, derivative = {
        "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda z: z * (1 - z)),
        "tanh": (np.tanh, lambda z: 1 - z**2),
        "relu": (lambda a: np.maximum(a, 0), lambda z: (z > 0) * 1.0),
    }[activation]
    z = [x]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z.append(sigma(w @ z[-1] + b))
    f = weights[-1] @ z[-1] + biases[-1]
    soft = np.exp(f) / np.exp(f).sum()
    delta = f - y if loss == "squares" else soft - np.eye(3)[2]
    for layer in (2, 1, 0):
        name = f"layers.{2 * layer}"
        np.testing.assert_allclose(
            found[f"{name}.weight"].numpy(), np.outer(delta, z[layer]), rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(found[f"{name}.bias"].numpy(), delta, rtol=0, atol=1e-12)
        if layer:
            delta = (weights[layer].T @ delta) * derivative(z[layer])
