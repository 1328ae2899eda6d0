"""A Trainer trains what the model's parameters are when ``fit`` is called."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError
from steepest.transform.executable import BACKENDS, Backend

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, 0].copy()


def trainer(backend: Backend = "native") -> st.Trainer:
    with st.random.stream(0):
        model = st.nn.MLP(3, [4], 1)
    return st.Trainer(model, "half_squared_error", st.optim.Adam(0.01), backend=backend)


def fit(trained: st.Trainer) -> dict[str, list[float]]:
    trained.fit(X, Y, epochs=1, batch_size=5)
    return {name: cell.value.tolist() for name, cell in trained.model.states().items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_cells_stay_and_move_again_when_thawed(backend: Backend) -> None:
    trained = trainer(backend)
    before = fit(trained)
    cell = trained.model.states()["layers.0.weight"]
    cell.trainable = False
    frozen = fit(trained)
    cell.trainable = True
    thawed = fit(trained)
    moved = {name for name in before if before[name] != frozen[name]}
    assert moved == {"layers.0.bias", "layers.2.weight", "layers.2.bias"}
    assert frozen["layers.0.weight"] != thawed["layers.0.weight"]


def test_new_parameters_want_a_new_trainer() -> None:
    trained = trainer()
    model = trained.model
    assert isinstance(model, st.nn.MLP)
    model.layers = (*model.layers, st.nn.Linear(1, 1))
    with pytest.raises(ConfigurationError, match=r"layers\.3\.weight, layers\.3\.bias: make a new"):
        fit(trained)


def test_nothing_left_to_train_is_an_error() -> None:
    trained = trainer()
    for cell in trained.model.states().values():
        cell.trainable = False
    with pytest.raises(ConfigurationError, match="no trainable parameters"):
        fit(trained)
