"""Running averages of the parameters: validated, predicted with, and not trained from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.ir.types import Array
from steepest.transform.executable import Backend

pytestmark = pytest.mark.row("E3")

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(40, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.3 * RANDOM.normal(size=40)
OUTSIDE = RANDOM.normal(size=(20, 3)), RANDOM.normal(size=20)
RATE, DECAY = 0.1, 0.9


def rule() -> st.optim.Rule:
    return st.optim.AveragedParameters(st.optim.SGD(RATE), decay=DECAY)


def linear(backend: Backend = "native") -> st.Trainer:
    with st.random.stream(2):
        model = st.nn.Linear(3, 1).astype(st.float64)
    return st.Trainer(model, "half_squared_error", rule(), backend=backend)


def values(trainer: st.Trainer) -> list[Array]:
    return [cell.value.numpy() for cell in trainer.model.states().values()]


def by_hand(trainer: st.Trainer, epochs: int, batch: int) -> list[tuple[Array, Array, float]]:
    """Of each epoch w̄, w and the loss of w̄ outside, by the recursions themselves."""
    w = np.concatenate([each.ravel() for each in values(trainer)])
    rows, target = np.c_[X, np.ones(len(X))], Y
    average, found = w, []
    for _ in range(epochs):
        for start in range(0, len(X), batch):
            x, y = rows[start : start + batch], target[start : start + batch]
            w = w - RATE * x.T @ (x @ w - y) / len(y)
            average = DECAY * average + (1 - DECAY) * w
        outside = np.c_[OUTSIDE[0], np.ones(20)] @ average - OUTSIDE[1]
        found.append((average, w, float(np.mean(outside**2) / 2)))
    return found


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_what_is_validated_and_kept_are_the_averages(backend: Backend) -> None:
    trainer = linear(backend)
    expected = by_hand(trainer, 4, 8)
    seen: list[Array] = []

    def see(now: st.Snapshot) -> None:
        seen.append(np.concatenate([each.ravel() for each in now.values.values()]))

    history = trainer.fit(
        X,
        Y,
        epochs=4,
        batch_size=8,
        sampler="in_order",
        validation_data=OUTSIDE,
        callbacks=[see],
    )
    wanted = [loss for *_, loss in expected]
    np.testing.assert_allclose(history.column("validation_loss"), wanted, rtol=1e-12)
    for mine, (average, *_) in zip(seen, expected, strict=True):
        np.testing.assert_allclose(mine, average, rtol=1e-12)
    held = np.concatenate([each.ravel() for each in values(trainer)])
    np.testing.assert_allclose(held, expected[-1][0], rtol=1e-12)
    predicted = np.c_[X, np.ones(40)] @ expected[-1][0]
    np.testing.assert_allclose(trainer.predict(X)[:, 0], predicted, rtol=1e-12)


def test_a_second_fit_goes_on_from_the_parameters_themselves() -> None:
    once, twice = linear(), linear()
    options: dict[str, Any] = {"batch_size": 8, "validation_data": OUTSIDE}
    whole = once.fit(X, Y, epochs=5, **options)
    first = twice.fit(X, Y, epochs=2, **options)
    second = twice.fit(X, Y, epochs=3, **options)
    for name in ("loss", "validation_loss"):
        assert first.column(name) + second.column(name) == whole.column(name)
    for mine, other in zip(values(once), values(twice), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_the_best_epoch_is_that_of_the_averages() -> None:
    target = Y - 3 * np.arange(40)  # what is outside gets worse and worse
    trainer, twin = linear(), linear()
    expected = [average for average, *_ in by_hand_of(twin, target)]
    losses = [
        float(np.mean((np.c_[OUTSIDE[0], np.ones(20)] @ w - OUTSIDE[1]) ** 2) / 2) for w in expected
    ]
    history = trainer.fit(
        X,
        target,
        epochs=6,
        batch_size=40,
        validation_data=OUTSIDE,
        early_stopping=st.EarlyStopping(patience=None),
    )
    best = int(np.argmin(losses))
    assert history.best_epoch == best + 1 < 6
    held = np.concatenate([each.ravel() for each in values(trainer)])
    np.testing.assert_allclose(held, expected[best], rtol=1e-12)


def by_hand_of(trainer: st.Trainer, target: Array) -> list[tuple[Array, Array]]:
    """Of six steps with all rows w̄ and w."""
    w = np.concatenate([each.ravel() for each in values(trainer)])
    x, average, found = np.c_[X, np.ones(40)], w, []
    for _ in range(6):
        w = w - RATE * x.T @ (x @ w - target) / 40
        average = DECAY * average + (1 - DECAY) * w
        found.append((average, w))
    return found


def test_values_given_between_two_fits_are_where_both_start() -> None:
    trainer, fresh = linear(), linear()
    trainer.fit(X, Y, epochs=2, batch_size=None)
    for each in (trainer, fresh):
        each.model.states()["weight"].assign(np.array([[3.0, 3.0, 3.0]]))
        each.model.states()["bias"].assign(np.array([1.0]))
        each.fit(X, Y, epochs=1, batch_size=None)
    for mine, other in zip(values(trainer), values(fresh), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


# ------------------------------------------------------------------------------ batch normalisation


def normalised(seed: int = 3) -> st.Trainer:
    with st.random.stream(seed):
        model = st.nn.MLP(3, [6], 1, batch_norm="before").astype(st.float64)
    return st.Trainer(model, "half_squared_error", rule(), seed=seed)


def test_statistics_are_those_of_the_averaged_parameters() -> None:
    trainer = normalised()
    seen: list[tuple[dict[str, Array], float]] = []
    trainer.fit(
        X,
        Y,
        epochs=3,
        batch_size=8,
        validation_data=OUTSIDE,
        callbacks=[lambda now: seen.append((now.weights(), now.metrics["validation_loss"]))],
    )
    held = {name: cell.value.numpy() for name, cell in trainer.model.states().items()}
    for weights in (held, *(each for each, _ in seen)):
        hidden = X @ weights["layers.0.weight"].T
        if "layers.0.bias" in weights:
            hidden = hidden + weights["layers.0.bias"]
        np.testing.assert_allclose(weights["layers.1.mean"], hidden.mean(axis=0), rtol=1e-9)
        variance = hidden.var(axis=0, ddof=1)
        np.testing.assert_allclose(weights["layers.1.variance"], variance, rtol=1e-9)
    squares = (trainer.predict(OUTSIDE[0])[:, 0] - OUTSIDE[1]) ** 2
    assert seen[-1][1] == pytest.approx(squares.mean() / 2, rel=1e-9)


def test_training_itself_keeps_its_running_statistics() -> None:
    """Validation, which uses the averages, leaves no trace in what is trained."""
    watched, alone = normalised(), normalised()
    for trainer, data in ((watched, OUTSIDE), (alone, None)):
        trainer.fit(X, Y, epochs=4, batch_size=8, validation_data=data)
    for mine, other in zip(values(watched), values(alone), strict=True):
        np.testing.assert_array_equal(mine, other)


# ----------------------------------------------------------------------------------- interruptions


@pytest.mark.parametrize("step", [int(i) for i in RANDOM.integers(1, 24, 6)])
def test_resumed_after_an_interruption_the_bits_are_the_same(step: int, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "epochs": 4,
        "batch_size": 7,
        "validation_data": OUTSIDE,
        "early_stopping": st.EarlyStopping(patience=3),
    }
    whole, cut, again = normalised(), normalised(), normalised()
    expected = whole.fit(X, Y, **options)
    file = tmp_path / "averaged.safetensors"
    stop = st.EverySteps(step, lambda _: st.Stop())
    cut.fit(X, Y, **options, checkpoint=st.Checkpoint(file), callbacks=[stop])
    history = again.fit(X, Y, **options, resume=file)
    assert history.column("validation_loss") == expected.column("validation_loss")
    for mine, other in zip(values(again), values(whole), strict=True):
        np.testing.assert_array_equal(mine, other)
    for trainer in (whole, again):
        trainer.fit(X, Y, epochs=1, batch_size=7)
    for mine, other in zip(values(again), values(whole), strict=True):
        np.testing.assert_array_equal(mine, other)


# ----------------------------------------------------------------------------- another convention


def test_torch_averages_from_the_first_step_on_unless_told_before() -> None:
    """Its w̄ starts at the first update: one before training makes it ours, w̄₀ = w₀."""
    torch: Any = pytest.importorskip("torch")
    swa = torch.optim.swa_utils
    trainer = linear("reference")
    found: dict[bool, Array] = {}
    for told_before in (True, False):
        model = torch.nn.Linear(3, 1, dtype=torch.float64)
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(values(trainer)[0]))
            model.bias.copy_(torch.from_numpy(values(trainer)[1]))
        averaged = swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(DECAY))
        if told_before:
            averaged.update_parameters(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        for _ in range(5):
            optimizer.zero_grad()
            errors = model(torch.from_numpy(X))[:, 0] - torch.from_numpy(Y)
            (errors.square().mean() / 2).backward()
            optimizer.step()
            averaged.update_parameters(model)
        found[told_before] = averaged.module.weight.detach().numpy()
    trainer.fit(X, Y, epochs=5, batch_size=None)
    np.testing.assert_allclose(values(trainer)[0], found[True], rtol=1e-10)
    assert np.abs(values(trainer)[0] - found[False]).max() > 0.01
