"""Under n_jobs each worker has the threads that it was given, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed

import steepest as st
from steepest import NeuralRegressor
from steepest.train.turns import available_processors

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] - X[:, 1]


def fitted(members: int) -> tuple[int, Any]:
    """How many members of an ensemble train at a time here, and what one predicts."""
    ensemble = st.EnsembleTrainer(
        lambda: st.nn.Linear(3, 1), "half_squared_error", "sgd", size=members
    )
    ours = NeuralRegressor((8,), ensemble_size=members, max_epochs=4, random_state=0)
    return ensemble.threads, ours.fit(X, Y).predict(X)


def test_a_worker_has_its_share_of_the_processors() -> None:
    with Parallel(n_jobs=2, backend="loky", inner_max_num_threads=1) as parallel:
        found: Any = parallel([delayed(fitted)(3) for _ in range(2)])
    here = fitted(3)
    for threads, predicted in found:
        assert threads == 1
        np.testing.assert_array_equal(predicted, here[1])


@pytest.mark.parametrize(
    ("told", "processors"), [("1", 1), ("100000", None), ("", None), ("0", None), ("many", None)]
)
def test_what_joblib_tells_is_heeded(
    told: str, processors: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    here = available_processors()
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert available_processors() == (processors or here)
