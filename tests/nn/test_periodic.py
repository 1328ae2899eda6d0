"""Numbers as waves, against NumPy column by column, and learning what rectifiers learn slowly."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, ShapeError
from steepest.transform.executable import Backend

RNG = np.random.default_rng(0)


def test_each_column_has_waves_of_its_own_and_its_numbers_are_side_by_side() -> None:
    layer = st.nn.PeriodicEmbedding(3, frequencies=5, width=2).astype(st.float64)
    x = RNG.normal(size=(7, 3))
    cells = {name: cell.value.numpy() for name, cell in layer.states().items()}
    expected = [
        np.cos(np.outer(x[:, j], cells["frequency"][j]) + cells["phase"][j]) @ cells["weight"][j].T
        + cells["bias"][j]
        for j in range(3)
    ]
    found = layer(st.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, np.hstack(expected), rtol=1e-12)


def test_where_it_starts() -> None:
    with st.random.stream(1):
        layer = st.nn.PeriodicEmbedding(200, frequencies=100, deviation=0.3)
    cells = {name: cell.value.numpy() for name, cell in layer.states().items()}
    assert cells["frequency"].std() == pytest.approx(0.3 * 2 * np.pi, rel=0.02)
    for name, bound in {"phase": np.pi, "weight": 0.1, "bias": 0.1}.items():
        assert np.abs(cells[name]).max() <= bound
        assert cells[name].std() == pytest.approx(bound / np.sqrt(3), rel=0.1)


def test_gradients_are_those_of_finite_differences() -> None:
    layer = st.nn.PeriodicEmbedding(2, frequencies=3, width=2).astype(st.float64)
    x = st.tensor(RNG.normal(size=(4, 2)))
    weights = st.tensor(RNG.normal(size=(4, 4)))

    def loss() -> st.Tensor:
        return st.sum(layer(x) * weights)

    loss().backward()
    for cell in layer.parameters().values():
        gradient, values = cell.value.grad, cell.value.numpy().copy()
        assert gradient is not None
        direction = RNG.normal(size=values.shape)
        ends: list[float] = []
        for step in (1e-5, -1e-5):
            cell.assign(values + step * direction)
            ends.append(float(loss().detach().numpy()))
        cell.assign(values)
        slope = (ends[0] - ends[1]) / 2e-5
        assert np.sum(gradient.numpy() * direction) == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_it_is_trained_in_a_step(backend: Backend) -> None:
    x = np.linspace(-2, 2, 200, dtype=np.float32)[:, None]
    y = np.sin(6 * x[:, 0])
    with st.random.stream(0):
        layer = st.nn.PeriodicEmbedding(1, frequencies=32, width=4, deviation=0.5)
        network = st.nn.Sequential(layer, st.nn.Linear(4, 1))
    trainer = st.Trainer(network, "half_squared_error", st.optim.Adam(0.02), backend=backend)
    history = trainer.fit(x, y, epochs=40, batch_size=50)
    assert history.rows[-1]["loss"] < 0.02 < 0.2 < history.rows[0]["loss"]


@pytest.mark.parametrize("mistake", [{"columns": 0}, {"width": 0}, {"frequencies": -1}])
def test_sizes_are_from_1(mistake: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"PeriodicEmbedding.*whole number from 1"):
        st.nn.PeriodicEmbedding(**({"columns": 2} | mistake))


@pytest.mark.parametrize("name", ["deviation", "speed"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_waves_need_frequencies_and_a_speed(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is a number above 0"):
        st.nn.PeriodicEmbedding(**{"columns": 2, name: value})  # pyright: ignore[reportArgumentType]


def test_speed_is_how_far_a_step_of_adam_goes_and_nothing_else() -> None:
    x, y = RNG.normal(size=(8, 2)), RNG.normal(size=8)
    moved: dict[float, np.ndarray] = {}
    starts: list[np.ndarray] = []
    for speed in (1.0, 4.0):
        with st.random.stream(3):
            layer = st.nn.PeriodicEmbedding(2, width=1, speed=speed)
            network = st.nn.Sequential(layer, st.nn.Linear(2, 1))
        starts.append(layer(st.tensor(x, dtype=st.float32)).detach().numpy())
        before = layer.weight.value.numpy() * speed
        rule = st.optim.Adam(1e-3)
        st.Trainer(network, "half_squared_error", rule).fit(x, y, epochs=1, batch_size=8)
        moved[speed] = layer.weight.value.numpy() * speed - before
    np.testing.assert_allclose(starts[0], starts[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moved[4.0], 4 * moved[1.0], rtol=2e-3)


def test_it_names_what_it_wants() -> None:
    with pytest.raises(ShapeError, match=r"x should be \(n, 3\)"):
        st.nn.PeriodicEmbedding(3)(st.ones((5, 2)))
