"""What docs/training.md says of keeping a trained model: arrays by name, and pickles."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import steepest as st

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


def trained() -> st.Trainer:
    with st.random.stream(0):
        model = st.nn.MLP(2, [8], 2, activation="tanh", dropout=0.2)
    trainer = st.Trainer(model, "cross_entropy", st.optim.Adam(0.05))
    trainer.fit(X, Y, epochs=2, batch_size=10)
    return trainer


def test_the_arrays_of_a_model_go_through_safetensors_and_back(tmp_path: Path) -> None:
    model = trained().model
    path = tmp_path / "model.safetensors"
    arrays = {name: cell.value.numpy() for name, cell in model.states().items()}
    safetensors.numpy.save_file(arrays, path)
    again = st.nn.MLP(2, [8], 2, activation="tanh", dropout=0.2)
    assert not np.array_equal(st.predict(again, X), st.predict(model, X))
    loaded = safetensors.numpy.load_file(path)
    for name, cell in again.states().items():
        cell.assign(loaded[name])
    np.testing.assert_array_equal(st.predict(again, X), st.predict(model, X))


def pickled(trainer: st.Trainer) -> st.Trainer:
    return pickle.loads(pickle.dumps(trainer))


@pytest.mark.parametrize("kept", [pickled, copy.deepcopy])
def test_a_trainer_that_was_kept_goes_on_with_equal_bits(
    kept: Callable[[st.Trainer], st.Trainer],
) -> None:
    trainer = trained()
    twin = kept(trainer)
    assert (twin.epochs, twin.steps) == (2, 12)
    one, two = (each.fit(X, Y, epochs=2, batch_size=10) for each in (trainer, twin))
    assert one.column("loss") == two.column("loss")
    np.testing.assert_array_equal(trainer.predict(X), twin.predict(X))
    assert twin.model is not trainer.model
    cells = zip(trainer.model.states().values(), twin.model.states().values(), strict=True)
    assert all(one is not two for one, two in cells)
