"""The whole step against scikit-learn's MLP: equal weights in, equal loss curves out."""

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
import sklearn.exceptions
import sklearn.neural_network

import steepest as st

Anything = Any  # what scikit-learn takes and gives is not typed
EPOCHS, BATCH, ALPHA = 5, 30, 0.05
IRIS: Anything = sklearn.datasets.load_iris()
ORDER = np.random.default_rng(0).permutation(len(IRIS.data))
X = ((IRIS.data - IRIS.data.mean(axis=0)) / IRIS.data.std(axis=0))[ORDER]
LABELS = IRIS.target[ORDER]
BINARY = (LABELS == 0).astype(int)
ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "logistic": "sigmoid", "identity": "identity"}
# ours, and the options that make scikit-learn's the same
RULES: dict[str, tuple[st.optim.Rule, dict[str, Any]]] = {
    "sgd": (st.optim.SGD(0.1), {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}),
    "momentum": (
        st.optim.Momentum(0.1, momentum=0.9),
        {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    ),
    "nesterov": (
        st.optim.Nesterov(0.1, momentum=0.9),
        {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True},
    ),
    # scikit-learn adds ε before the bias correction, so it has to be negligible on both sides
    "adam": (st.optim.Adam(0.1, epsilon=1e-30), {"solver": "adam", "epsilon": 1e-30}),
}


def theirs(
    kind: Anything, model: st.nn.Module, target: Anything, activation: str, options: Anything
) -> Anything:
    """scikit-learn's curve from the weights that our model has now."""
    linear = [layer for _, layer in model.named() if isinstance(layer, st.nn.Linear)]
    given = iter(
        [(one.weight.value.numpy().T, one.bias.value.numpy()) for one in linear if one.bias]
    )

    class Given(kind):
        def _init_coef(self, fan_in: int, fan_out: int, dtype: Anything) -> Anything:
            weight, bias = next(given)
            assert weight.shape == (fan_in, fan_out)
            return weight.copy(), bias.copy()

    fitted = Given(
        hidden_layer_sizes=(8, 6),
        activation=activation,
        learning_rate_init=0.1,
        max_iter=EPOCHS,
        shuffle=False,
        tol=0.0,
        n_iter_no_change=EPOCHS + 1,
        **{"alpha": ALPHA, "batch_size": BATCH, **options},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        fitted.fit(X, target)
    return fitted


def ours(model: st.nn.Module, loss: str, rule: st.optim.Rule, target: Anything) -> st.History:
    trainer = st.Trainer(model, loss, rule, l2=ALPHA / BATCH)
    return trainer.fit(X, target, epochs=EPOCHS, batch_size=BATCH, sampler="in_order")


# Every rule and every activation with both heads, each time in another company.
COMPANY = [
    (classes, rule, [*ACTIVATIONS][(place + classes) % len(ACTIVATIONS)])
    for classes in (2, 3)
    for place, rule in enumerate(RULES)
]


@pytest.mark.parametrize(("classes", "rule", "activation"), COMPANY)
def test_classifier_has_the_same_loss_curve(classes: int, rule: str, activation: str) -> None:
    target = BINARY if classes == 2 else LABELS
    ours_rule, options = RULES[rule]
    with st.random.stream(1):
        model = st.nn.MLP(
            4, [8, 6], 1 if classes == 2 else 3, activation=ACTIVATIONS[activation]
        ).astype(st.float64)
    fitted = theirs(sklearn.neural_network.MLPClassifier, model, target, activation, options)
    loss = "binary_logistic" if classes == 2 else "cross_entropy"
    history = ours(model, loss, ours_rule, target)
    curve = [row["loss"] + row["penalty"] for row in history.rows]
    np.testing.assert_allclose(curve, fitted.loss_curve_, rtol=0, atol=1e-9)
    last = model.states()["layers.4.weight"].value.numpy().T
    np.testing.assert_allclose(last, fitted.coefs_[-1], rtol=0, atol=1e-8)


@pytest.mark.parametrize("rule", RULES)
def test_regressor_has_the_same_loss_curve(rule: str) -> None:
    target = X[:, 0] * X[:, 1] + 0.5
    ours_rule, options = RULES[rule]
    with st.random.stream(1):
        model = st.nn.MLP(4, [8, 6], 1, activation="tanh").astype(st.float64)
    fitted = theirs(sklearn.neural_network.MLPRegressor, model, target, "tanh", options)
    history = ours(model, "half_squared_error", ours_rule, target)
    curve = [row["loss"] + row["penalty"] for row in history.rows]
    np.testing.assert_allclose(curve, fitted.loss_curve_, rtol=0, atol=1e-9)


def test_the_last_smaller_batch_counts_by_its_size() -> None:
    """Without a penalty (λ = alpha/batch is for equal batches) sizes need not divide."""
    with st.random.stream(1):
        model = st.nn.MLP(4, [8, 6], 3, activation="tanh").astype(st.float64)
    options = {"solver": "adam", "epsilon": 1e-30, "alpha": 0.0, "batch_size": 40}
    fitted = theirs(sklearn.neural_network.MLPClassifier, model, LABELS, "tanh", options)
    trainer = st.Trainer(model, "cross_entropy", st.optim.Adam(0.1, epsilon=1e-30))
    history = trainer.fit(X, LABELS, epochs=EPOCHS, batch_size=40, sampler="in_order")
    np.testing.assert_allclose(history.column("loss"), fitted.loss_curve_, rtol=0, atol=1e-9)
