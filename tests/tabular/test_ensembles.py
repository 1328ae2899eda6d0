"""Ensembles and averaged weights of a table: from the options to the file and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.data import bundled_table
from steepest.errors import ConfigurationError
from steepest.tabular.ending import Ending
from steepest.tabular.model import TableModel, load
from steepest.tabular.network import network_inputs
from steepest.train.averaging import softmax
from steepest.train.history import Stopped
from steepest.transform.executable import Backend

pytestmark = pytest.mark.row("E1")

SMALL: dict[str, Any] = {"network": {"hidden_layer_sizes": [8]}}


def fitted(
    table: str, training: dict[str, float] | None = None, backend: Backend = "native"
) -> TableModel:
    options = {**SMALL, "training": {"max_epochs": 4, **(training or {})}}
    return st.fit_table(bundled_table(table), "target", options, backend=backend)


def weights(model: TableModel) -> dict[str, Any]:
    return {name: cell.value.numpy() for name, cell in model.network.states().items()}


@pytest.mark.parametrize("table", ["iris", "diabetes"])
def test_predictions_are_means_of_single_fits(table: str, tmp_path: Path) -> None:
    """Member 0 is the fit without an ensemble; the others differ from it, and the file has all."""
    together, alone = fitted(table, {"ensemble_size": 3}), fitted(table)
    for name, value in weights(alone).items():
        np.testing.assert_array_equal(value, weights(together)[f"members.0.{name}"])
        if name.endswith("weight"):
            assert (value != weights(together)[f"members.1.{name}"]).any()
    inputs = network_inputs(together.preprocessor.transform(bundled_table(table)))
    network = together.network
    assert isinstance(network, st.nn.Ensemble)
    each = [st.predict(member, inputs) for member in network.members]
    if table == "iris":
        mean = np.mean([softmax(one) for one in each], axis=0)
        np.testing.assert_allclose(together.predict_proba(bundled_table(table)), mean, atol=1e-6)
    else:
        mean = together.preprocessor.inverse_target(np.mean(each, axis=0)[:, 0])
        np.testing.assert_allclose(together.predict(bundled_table(table)), mean, rtol=1e-5)
    file = tmp_path / "three.safetensors"
    together.save(file)
    again = load(file)
    assert again.to_bytes() == together.to_bytes()
    np.testing.assert_array_equal(
        again.outputs(again.read(bundled_table(table))),
        together.outputs(together.read(bundled_table(table))),
    )
    assert again.evaluate(bundled_table(table)) == together.evaluate(bundled_table(table))


def test_the_same_fit_gives_the_same_file_and_both_back_ends_agree() -> None:
    first, second = (fitted("iris", {"ensemble_size": 2}) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
    reference = fitted("iris", {"ensemble_size": 2}, "reference")
    np.testing.assert_allclose(
        first.predict_proba(bundled_table("iris")),
        reference.predict_proba(bundled_table("iris")),
        atol=1e-4,
    )


def test_an_ensemble_of_one_is_a_single_network() -> None:
    assert fitted("iris", {"ensemble_size": 1}).to_bytes() == fitted("iris").to_bytes()


def test_it_describes_itself() -> None:
    model = fitted("iris", {"ensemble_size": 3})
    assert [row["member"] for row in model.history] == [0] * 4 + [1] * 4 + [2] * 4
    summary = model.summary()
    assert "network   3 times 4 inputs -> 8 relu -> 3 classes; 201 parameters" in summary
    assert "3 members, 4 epochs, finished; each kept its best epoch" in summary
    assert summary.count("perceptron.layers.0") == 1
    assert model.results.networks == 3


def history(stopped: Stopped, epochs: int, message: str = "") -> st.History:
    made = st.History()
    made.rows = [{"epoch": number + 1} for number in range(epochs)]
    made.stopped, made.message = stopped, message
    return made


def test_how_members_ended_is_told_together() -> None:
    ending = Ending.of(
        [
            history("finished", 5),
            history("non-finite loss", 0, "left out: the loss is nan"),
            history("early stopping", 3),
        ]
    )
    assert (ending.stopped, ending.epochs) == ("early stopping", 5)
    assert ending.message == "member 1: left out: the loss is nan"
    assert [(each.epochs, each.stopped) for each in ending.members] == [
        (5, "finished"),
        (0, "non-finite loss"),
        (3, "early stopping"),
    ]


@pytest.mark.parametrize(
    ("option", "value"), [("ensemble_size", 0), ("ensemble_size", 2.5), ("average_weights", 1.0)]
)
def test_what_cannot_be_is_refused(option: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"training\.{option} = {value} is not possible"):
        fitted("iris", {option: value})


@pytest.mark.row("E3")
def test_averaged_weights_are_those_of_the_trainer() -> None:
    """With β so small that nothing is averaged, the fit is the one without."""
    plain, barely, much = (
        fitted("iris", {"average_weights": share, "max_epochs": 2}, "reference")
        for share in (0.0, 1e-12, 0.995)
    )
    for name, value in weights(plain).items():
        np.testing.assert_allclose(weights(barely)[name], value, rtol=1e-5, atol=1e-7)
        assert (weights(much)[name] != value).any()
    start = fitted("iris", {"max_epochs": 1, "time_limit": 1e-9}, "reference")  # not a step
    for name, value in weights(start).items():
        moved = np.abs(weights(plain)[name] - value).max()
        assert np.abs(weights(much)[name] - value).max() < moved or not moved


@pytest.mark.row("E4")
def test_a_trial_of_an_ensemble_is_judged_by_its_first_member() -> None:
    """The pruner is asked once an epoch; when it gives up, all members stop."""
    pytest.importorskip("optuna")
    from steepest.tabular.search.search import Watcher

    class Work:
        def __init__(self) -> None:
            self.asked: list[tuple[int, int]] = []

        def told(self, *_: object) -> None: ...

        def pruned(self, _: object, now: st.Snapshot) -> bool:
            self.asked.append((now.member, now.epoch))
            return now.epoch == 2

    work: Any = Work()
    nobody: Any = None
    watcher = Watcher(work, nobody, 0)
    ensemble = st.EnsembleTrainer(
        lambda: st.nn.Linear(1, 1), "half_squared_error", "sgd", size=3, backend="reference"
    )
    x = np.arange(4.0)[:, None] / 4
    histories = ensemble.fit(x, x, epochs=5, batch_size=None, callbacks=[watcher])
    assert work.asked == [(0, 1), (0, 2)]
    assert watcher.is_hopeless
    assert {each.stopped for each in histories} == {"callback"}
    assert max(len(each) for each in histories) <= 3
