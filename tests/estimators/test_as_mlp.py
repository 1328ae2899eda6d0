"""scikit-learn's own tests of its MLP, run on our estimators: see mlp_words.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

# The tests are made of the text of scikit-learn's file, in which the classes are ours.
_THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
_OURS = "from mlp_words import MLPClassifier, MLPRegressor\n"

# What cannot pass, and why.
NOT_OURS = {
    "test_fit": "sets coefs_, _coef_velocity and other private state before training",
    "test_gradient": "calls _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads _optimizer",
    "test_adaptive_learning_rate": "reads _optimizer",
    "test_n_iter_no_change": "reads _no_improvement_count",
    "test_n_iter_no_change_inf": "reads _no_improvement_count",
    "test_nonfinite_params": "wants the words of an error; ours names the row and the column",
    "test_early_stopping_stratified": "a class of one row stays among the training rows here",
    "test_preserve_feature_names[MLPClassifier]": "one class is refused: nothing is to be learnt",
    "test_mlp_diverging_loss": "wants scores that are NaN; ours ends before such a step",
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def global_random_seed() -> int:
    return 42


@pytest.fixture(autouse=True)
def leave_out(request: pytest.FixtureRequest) -> None:
    if request.node.name in NOT_OURS:
        pytest.skip(NOT_OURS[request.node.name])


def _tests() -> dict[str, Any]:
    sys.path.insert(0, str(Path(__file__).parent))
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    assert text.count(_THEIRS) == 1
    found: dict[str, Any] = {"__name__": __name__}
    exec(compile(text.replace(_THEIRS, _OURS), spec.origin, "exec"), found)
    return {name: each for name, each in found.items() if name.startswith("test_")}


TESTS = _tests()
globals().update(TESTS)


def test_what_is_left_out_is_there() -> None:
    assert {name.partition("[")[0] for name in NOT_OURS} <= TESTS.keys()
    assert len(TESTS) > 4 * len(NOT_OURS) - 5
