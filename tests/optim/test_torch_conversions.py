"""What PyTorch calls it: how its optimisers and schedulers are written here, shown side by side.

Skipped where PyTorch is not installed. Both are fed the same gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st

torch: Any = pytest.importorskip("torch")
pytestmark = pytest.mark.row(
    "P3", "P4", "P5", "P6", "P7", "P12", "O7", "S2", "S3", "S5", "S6", "S7", "S8"
)
STEPS = 60
Array = Any
S = st.optim.schedules
opt = st.optim


def recorded() -> tuple[Array, Array]:
    random = np.random.default_rng(4)
    return random.normal(size=(3, 4)), random.normal(size=(STEPS, 3, 4))


def ours(rule: opt.Rule, *, epochs: bool = False) -> list[Array]:
    """What a weight passes through; with ``epochs`` each step is one."""
    start, gradients = recorded()
    model = st.nn.Linear(4, 3, bias=False).astype(st.float64)
    model.weight.assign(start)
    optimizer = rule.attach(model)
    points: list[Array] = []
    for gradient in gradients:
        optimizer.step({"weight": st.tensor(gradient)})
        points.append(model.weight.value.numpy())
        if epochs:
            optimizer.end_epoch(0.0)
    return points


def theirs(
    make: Callable[[Any], Any],
    schedule: Callable[[Any], Any] | None = None,
    clip: Callable[[Any], Any] | None = None,
) -> list[Array]:
    start, gradients = recorded()
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = make([weight])
    scheduler = schedule(optimizer) if schedule is not None else None
    points: list[Array] = []
    for gradient in gradients:
        weight.grad = torch.tensor(gradient)
        if clip is not None:
            clip([weight])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        points.append(weight.detach().numpy().copy())
    return points


def same(one: list[Array], two: list[Array], tolerance: float = 1e-10) -> bool:
    return bool(np.abs(np.array(one) - np.array(two)).max() <= tolerance)


SAME: dict[str, tuple[opt.Rule, Callable[[Any], Any]]] = {
    "SGD": (opt.SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum, while the rate stays": (
        opt.Momentum(0.1, momentum=0.9),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    ),
    "nesterov, while the rate stays": (
        opt.Nesterov(0.1, momentum=0.9),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    ),
    "Adagrad": (
        opt.Adagrad(0.1, epsilon=1e-3), lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-3),
    ),
    "RMSprop": (
        opt.RMSProp(0.1, beta=0.9, epsilon=1e-3),
        lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-3),
    ),
    "Adam": (opt.Adam(0.1, epsilon=1e-3), lambda p: torch.optim.Adam(p, lr=0.1, eps=1e-3)),
    "AdamW": (
        opt.AdamW(0.1, weight_decay=0.3), lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_these_are_the_same(name: str) -> None:
    rule, make = SAME[name]
    assert same(ours(rule), theirs(make))


def test_its_default_epsilons_and_rates() -> None:
    def defaults(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - PyTorch need not be here
        return kind([torch.nn.Parameter(torch.zeros(1))]).defaults

    assert defaults(torch.optim.Adam)["eps"] == opt.Adam().epsilon
    assert defaults(torch.optim.RMSprop)["alpha"] == opt.RMSProp().beta
    assert defaults(torch.optim.Adagrad)["eps"] == 1e-10 != opt.Adagrad().epsilon
    assert defaults(torch.optim.AdamW)["weight_decay"] == opt.AdamW().weight_decay


def test_momentum_differs_when_the_rate_changes_and_how() -> None:
    """PyTorch's v is ours divided by the rate: at a change ours is still moving at the old one."""
    falling = S.StepDecay(0.1, milestones=[30])
    found = ours(opt.Momentum(falling, momentum=0.9))
    other = theirs(
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[30]),
    )
    assert same(found[:30], other[:30])
    assert not same(found, other, 1e-2)
    # Its path from the change on is ours with a velocity that is scaled once.
    start, gradients = recorded()
    w, v = start, np.zeros_like(start)
    for t, g in enumerate(gradients):
        rate = falling(t)
        v = (0.1 if t == 30 else 1.0) * v
        v = 0.9 * v - rate * g
        w = w + v
    np.testing.assert_allclose(w, other[-1], atol=1e-10)


def test_weight_decay_of_its_sgd_is_a_penalty() -> None:
    """``weight_decay`` there is ``l2`` here: λ w is added to the gradient."""
    start, gradients = recorded()
    other = theirs(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.2))
    model = st.nn.Linear(4, 3, bias=False).astype(st.float64)
    model.weight.assign(start)
    optimizer = opt.Momentum(0.1, momentum=0.9).attach(model)
    for gradient in gradients:
        penalised = gradient + 0.2 * model.weight.value.numpy()
        optimizer.step({"weight": st.tensor(penalised)})
    np.testing.assert_allclose(model.weight.value.numpy(), other[-1], atol=1e-10)


def test_clipping() -> None:
    def make(p: Any) -> Any:  # noqa: ANN401 - PyTorch need not be here
        return torch.optim.SGD(p, lr=0.1)

    by_norm = theirs(make, clip=lambda p: torch.nn.utils.clip_grad_norm_(p, 2.0))
    assert same(ours(opt.ClipByNorm(opt.SGD(0.1), 2.0)), by_norm, 1e-5)  # it divides by ‖g‖ + 1e-6
    by_value = theirs(make, clip=lambda p: torch.nn.utils.clip_grad_value_(p, 0.7))
    assert same(ours(opt.ClipByValue(opt.SGD(0.1), 0.7)), by_value)


def test_averages() -> None:
    rule = opt.AveragedParameters(opt.SGD(0.1), decay=0.9)
    start, gradients = recorded()
    model = st.nn.Linear(4, 3, bias=False).astype(st.float64)
    model.weight.assign(start)
    optimizer = rule.attach(model)
    layer = torch.nn.Linear(4, 3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(start))
    average = torch.optim.swa_utils.AveragedModel(
        layer, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    )
    average.update_parameters(layer)  # the first call copies: w̄₀ = w₀
    other = torch.optim.SGD(layer.parameters(), lr=0.1)
    for gradient in gradients:
        optimizer.step({"weight": st.tensor(gradient)})
        layer.weight.grad = torch.tensor(gradient)
        other.step()
        average.update_parameters(layer)
    np.testing.assert_allclose(
        optimizer.averages()["weight"].numpy(), average.module.weight.detach().numpy(), atol=1e-12
    )


# --------------------------------------------------------------------------------------- schedules


def their_rates(make: Callable[[Any], Any], steps: int = 100) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


SCHEDULERS: dict[str, tuple[S.Schedule, Callable[[Any], Any]]] = {
    "MultiStepLR": (
        S.StepDecay(0.1, milestones=[30, 50], factor=0.2),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[30, 50], gamma=0.2),
    ),
    "ExponentialLR": (
        S.Exponential(0.1, decay=-math.log(0.95)),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.95),
    ),
    "CosineAnnealingLR, up to its end": (
        S.CosineAnnealing(0.1, steps=100, low=0.01),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=100, eta_min=0.01),
    ),
    "CosineAnnealingWarmRestarts": (
        S.WarmRestarts(0.1, cycle=10, factor=2.0, low=0.01),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 10, 2, eta_min=0.01),
    ),
    "LinearLR": (
        S.LinearAnnealing(0.1 / 4, 0.1, steps=20),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=20),
    ),
    "SequentialLR": (
        S.Concatenated(
            [S.LinearAnnealing(0.025, 0.1, steps=20), S.Exponential(0.1, decay=0.05)], [20]
        ),
        lambda o: torch.optim.lr_scheduler.SequentialLR(
            o,
            [
                torch.optim.lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=20),
                torch.optim.lr_scheduler.ExponentialLR(o, gamma=math.exp(-0.05)),
            ],
            milestones=[20],
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's own
def test_schedulers(name: str) -> None:
    schedule, make = SCHEDULERS[name]
    np.testing.assert_allclose(schedule.curve(100), their_rates(make), rtol=1e-9)


def test_one_cycle_ends_a_step_earlier_there() -> None:
    """Its phases end at pct_start · total_steps − 1 and total_steps − 1."""
    rates = their_rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=101), 101
    )
    top = 0.3 * 101 - 1
    schedule = S.OneCycle(0.1, steps=100, rise=top / 100)
    np.testing.assert_allclose(schedule.curve(101), rates, rtol=1e-9)


def test_a_plateau_waits_one_epoch_longer_there() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.1, patience=2, threshold=0.0
    )
    model = st.nn.Linear(1, 1, bias=False).astype(st.float64)
    ours = opt.SGD(S.Plateau(0.1, factor=0.1, patience=3)).attach(model)
    for loss in [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.9, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]:
        before = model.weight.value.item()
        ours.step({"weight": st.ones((1, 1), dtype=st.float64)})
        moved = before - model.weight.value.item()
        assert moved == pytest.approx(optimizer.param_groups[0]["lr"])
        ours.end_epoch(loss)
        scheduler.step(loss)
