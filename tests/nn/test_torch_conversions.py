"""What PyTorch calls it: losses, batch normalisation and dropout, shown side by side.

Skipped where PyTorch is not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st

torch: Any = pytest.importorskip("torch")
Array = Any
RNG = np.random.default_rng(0)
N, K = 30, 4
F, Y = RNG.normal(size=N) * 2, RNG.normal(size=N)
SCORES, LABELS = RNG.normal(size=(N, K)), RNG.integers(0, K, N)
COUNTS = RNG.poisson(2.0, N).astype(float)

PAIRS: dict[str, tuple[st.losses.Loss, Callable[[], Any], Array, Array, float]] = {
    # ours is so many times theirs
    "half": (st.losses.HalfSquaredError(), lambda: torch.nn.MSELoss(), F, Y, 0.5),
    "square": (st.losses.SquaredError(), lambda: torch.nn.MSELoss(), F, Y, 1.0),
    "absolute": (st.losses.AbsoluteError(), lambda: torch.nn.L1Loss(), F, Y, 1.0),
    "huber": (st.losses.Huber(0.7), lambda: torch.nn.HuberLoss(delta=0.7), F, Y, 1.0),
    "smooth": (st.losses.Huber(0.7), lambda: torch.nn.SmoothL1Loss(beta=0.7), F, Y, 0.7),
    "poisson": (st.losses.Poisson(), lambda: torch.nn.PoissonNLLLoss(), F, COUNTS, 1.0),
    "classes": (
        st.losses.CrossEntropy(), lambda: torch.nn.CrossEntropyLoss(), SCORES, LABELS, 1.0
    ),
    "smoothed": (
        st.losses.SmoothedCrossEntropy(0.2),
        lambda: torch.nn.CrossEntropyLoss(label_smoothing=0.2),
        SCORES,
        LABELS,
        1.0,
    ),
}  # fmt: skip


@pytest.mark.row("O2", "O4", "O5")
@pytest.mark.parametrize("name", PAIRS)
def test_losses(name: str) -> None:
    loss, theirs, prediction, target, factor = PAIRS[name]
    expected = theirs()(torch.tensor(prediction), torch.tensor(target)).item()
    assert loss(prediction, target).numpy().mean() == pytest.approx(factor * expected)


@pytest.mark.row("N2", "N3")
def test_batch_norm_has_pytorchs_averages_once_its_start_is_forgotten() -> None:
    """``share`` is ``momentum``; ours averages plainly while 1/t is more than it."""
    batches = RNG.normal(size=(150, 16, 3)) * 2 + 5
    ours, theirs = st.nn.BatchNorm(3, share=0.1), torch.nn.BatchNorm1d(3, momentum=0.1).double()
    ours.astype(st.float64)
    for t, batch in enumerate(batches):
        with st.nn.training():
            mine = ours(st.tensor(batch)).detach().numpy()
        np.testing.assert_allclose(mine, theirs(torch.tensor(batch)).detach().numpy(), atol=1e-10)
        if t == 4:  # PyTorch's still remembers mean 0: 0.9^5 of it
            assert theirs.running_mean.numpy().max() < 0.45 * 5
            np.testing.assert_allclose(ours.mean.value.numpy(), 5.0, atol=1.0)
    np.testing.assert_allclose(ours.mean.value.numpy(), theirs.running_mean, rtol=1e-5)
    np.testing.assert_allclose(ours.variance.value.numpy(), theirs.running_var, rtol=1e-5)
    theirs.eval()
    np.testing.assert_allclose(
        ours(st.tensor(batches[0])).detach().numpy(),
        theirs(torch.tensor(batches[0])).detach().numpy(),
        rtol=1e-4,
    )


@pytest.mark.row("N2")
def test_layer_norm() -> None:
    x = RNG.normal(size=(6, 5))
    theirs = torch.nn.LayerNorm(5).double()
    found = st.nn.LayerNorm(5).astype(st.float64)(st.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9)


@pytest.mark.row("N4")
def test_the_rate_of_dropout_is_pytorchs_p() -> None:
    theirs = torch.nn.Dropout(0.3)(torch.ones(200, 200)).numpy()
    with st.nn.training(), st.random.stream(0):
        ours = st.nn.Dropout(0.3)(st.ones((200, 200))).numpy()
    assert abs((ours == 0).mean() - (theirs == 0).mean()) < 0.02
    assert ours.max() == pytest.approx(theirs.max())
