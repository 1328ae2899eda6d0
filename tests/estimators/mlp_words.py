"""scikit-learn's MLPClassifier and MLPRegressor in its own words, computed by our estimators.

Nothing is scaled, dropped or decayed, and training ends when there is no progress, which a callback
sees to, as `tol` has no word here.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if

import steepest as st

ACTIVATIONS = {"logistic": "sigmoid"}
SCHEDULES = {"constant": "constant", "adaptive": "plateau", "invscaling": "inverse_time"}


class StandsStill:
    """Stops when nothing has improved by `least` for more than `patience` epochs.

    What is watched is the training loss, or the score of the rows held back.
    """

    def __init__(self, score: str | None, least: float, patience: float) -> None:
        self.score, self.least, self.patience = score, least, patience
        self.best, self.waited = math.inf, 0

    def __call__(self, now: Any) -> Any:
        if self.score is None:
            loss = now.metrics["loss"] + now.metrics["penalty"]
        else:
            sign = 1.0 if self.score == "validation_rmse" else -1.0
            loss = sign * now.metrics[self.score]
        self.waited = self.waited + 1 if loss > self.best - self.least else 0
        self.best = min(self.best, loss)
        return st.Stop("the loss stands still") if self.waited > self.patience else None


class MostEvaluations:
    """Stops a driver that has evaluated the objective so often."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, now: Any) -> Any:
        return st.Stop("max_fun") if now.metrics["evaluations"] >= self.most else None


class Words(BaseEstimator):
    """The parameters of both, and what is done alike."""

    kind: Any
    score_name: str

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        loss: str = "auto",
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15_000,
    ) -> None:
        given = dict(locals())
        del given["self"]
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def translated(self, X: Any, y: Any) -> dict[str, Any]:
        """Our words for it, as there are so many rows and targets."""
        targets = 1 if np.ndim(y) == 1 else np.shape(y)[1]
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        is_driven = self.solver == "lbfgs"
        batch = min(200, rows) if self.batch_size == "auto" else self.batch_size
        options: dict[str, Any] = {
            "preprocessing.numeric": "none",
            "network.numeric_embedding": "none",
            "network.initialiser": "glorot_uniform",
        }
        momentum = "nesterov" if self.nesterovs_momentum else "momentum"
        names = {"sgd": momentum if self.momentum else "sgd", "adam": "adam", "lbfgs": "lbfgs"}
        if is_driven:
            options["optimizer.options"] = {
                "gradient_tolerance": self.tol,
                "function_tolerance": min(1e-9, self.tol),
            }
        else:
            options["optimizer.schedule"] = SCHEDULES[self.learning_rate]
            options["optimizer.warm_up"] = 0.0
            options["training.sampler"] = "disjoint" if self.shuffle else "in_order"
        if self.solver == "adam":
            own = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
            options["optimizer.options"] = own
        if self.solver == "sgd" and self.momentum:
            options["optimizer.momentum"] = self.momentum
        float64 = getattr(X, "dtype", np.dtype(float)) != np.float32
        return {
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": ACTIVATIONS.get(self.activation, self.activation),
            "optimizer": names[self.solver],
            "learning_rate": "recipe" if is_driven else self.learning_rate_init * targets,
            "batch_size": "auto" if is_driven else batch,
            "max_epochs": self.max_iter,
            # There the loss is a sum over rows and targets, here a mean.
            "l2": self.alpha / (rows if is_driven else min(batch, rows)) / targets,
            "dropout": 0.0,
            "weight_decay": 0.0,
            "early_stopping": self.early_stopping,
            "validation_fraction": self.validation_fraction,
            "n_iter_no_change": 0,
            "loss": {"squared_error": "half_squared_error"}.get(self.loss, self.loss),
            "warm_start": self.warm_start,
            "dtype": "float64" if float64 else "float32",
            "random_state": self.random_state,
            "options": options,
        }

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """By ours."""
        if not (self.warm_start and hasattr(self, "ours_")):
            self.ours_ = self.kind()
        self.ours_.set_params(**self.translated(X, y))
        callbacks: list[Any] = [self._say] if self.verbose else []
        if self.solver != "lbfgs":
            watched = f"validation_{self.score_name}" if self.early_stopping else None
            callbacks.append(StandsStill(watched, self.tol, self.n_iter_no_change))
        else:
            callbacks.append(MostEvaluations(self.max_fun))
        self.ours_.fit(X, y, sample_weight=sample_weight, callbacks=callbacks)
        results = self.ours_.model_.results
        if results.stopped == "finished" or "max_fun" in results.message:
            warnings.warn("all iterations were taken", ConvergenceWarning, stacklevel=2)
        return self._tell()

    @available_if(lambda words: words.solver != "lbfgs")
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        """By ours."""
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if not hasattr(self, "ours_"):
            self.ours_ = self.kind()
        self.ours_.set_params(**self.translated(X, y))
        arguments = {} if classes is None else {"classes": classes}
        self.ours_.partial_fit(X, y, **arguments)
        return self._tell()

    def _say(self, now: Any) -> None:
        print(f"Iteration {now.epoch}, loss = {now.metrics['loss']:.8f}")

    def _tell(self) -> Any:
        """What is public there, by what is public here."""
        ours, self.n_iter_ = self.ours_, self.ours_.n_iter_
        for name in ("coefs_", "intercepts_", "loss_curve_", "classes_", "n_features_in_"):
            if hasattr(ours, name):
                setattr(self, name, getattr(ours, name))
        rows, score = ours.history_, f"validation_{self.score_name}"
        sign = -1.0 if self.score_name == "rmse" else 1.0
        self.validation_scores_ = (
            [sign * row[score] for row in rows] if self.early_stopping else None
        )
        self.best_validation_score_ = (
            max(self.validation_scores_) if self.validation_scores_ else None
        )
        self.best_loss_ = None if self.early_stopping else min(ours.loss_curve_)
        self.n_layers_ = len(ours.coefs_) + 1
        return self


class MLPClassifier(ClassifierMixin, Words):
    """scikit-learn's words, our computation."""

    kind = st.NeuralClassifier
    score_name = "accuracy"

    def predict(self, X: Any) -> Any:
        """By ours."""
        return self.ours_.predict(X)

    def predict_proba(self, X: Any) -> Any:
        """By ours."""
        return self.ours_.predict_proba(X)

    def predict_log_proba(self, X: Any) -> Any:
        """By ours."""
        return self.ours_.predict_log_proba(X)


class MLPRegressor(RegressorMixin, Words):
    """scikit-learn's words, our computation."""

    kind = st.NeuralRegressor
    score_name = "rmse"

    def predict(self, X: Any) -> Any:
        """By ours, which is float64 always, in the type of X."""
        single = getattr(X, "dtype", None) == np.float32
        return self.ours_.predict(X).astype(np.float32 if single else np.float64)
