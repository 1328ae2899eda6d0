"""From options to the optimiser: every rule and schedule with horizons that fit the training."""

import math
from typing import Any

import pytest

import steepest as st
from steepest.errors import ConfigurationError
from steepest.optim import schedules
from steepest.optim.schedules import SCHEDULES, Plateau, WarmUp
from steepest.tabular.configuration import Configuration
from steepest.tabular.options import assign, from_plain
from steepest.tabular.recipe import check_methods, make_optimizer, make_rate
from steepest.tabular.resolved import resolve

pytestmark = pytest.mark.row("S1", "S2", "S3", "S4", "S5", "S7", "S8", "P12", "O7", "E3")
EPOCHS, STEPS = 20, 1000


def configured(*assignments: str) -> Configuration:
    plain: dict[str, Any] = {}
    for each in (f"training.max_epochs={EPOCHS}", "optimizer.learning_rate=0.1", *assignments):
        assign(plain, each)
    return from_plain(plain)


def rate(*assignments: str) -> schedules.Rate:
    configuration = configured(*assignments)
    return make_rate(configuration, resolve(configuration, "regression", 1000), STEPS)


def rule(*assignments: str) -> st.optim.Rule:
    configuration = configured(*assignments)
    resolved = resolve(configuration, "regression", 1000)
    made = make_optimizer(configuration, resolved, STEPS)
    assert isinstance(made, st.optim.Rule)
    return made


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_fits_the_training(name: str) -> None:
    made = rate(f"optimizer.schedule={name}")
    assert isinstance(made, schedules.Schedule)
    rates = made.curve(STEPS, steps_per_epoch=STEPS / EPOCHS)
    assert rates.max() == pytest.approx(0.1, rel=2e-2)
    assert rates[0] < 0.01
    assert rates.min() >= 0
    if name not in ("constant", "plateau", "warm_up"):
        assert rates[-1] < 0.012


def test_times_are_epochs() -> None:
    made = rate("optimizer.schedule=step_decay", "optimizer.schedule_options.milestones=[4, 8]",
                "optimizer.warm_up=0")  # fmt: skip
    assert made == schedules.StepDecay(0.1, milestones=(200, 400))
    made = rate("optimizer.schedule=exponential", "optimizer.schedule_options.decay=0.3",
                "optimizer.warm_up=0")  # fmt: skip
    assert isinstance(made, schedules.Exponential)
    assert made(5 * 50) == pytest.approx(0.1 * math.exp(-0.3 * 5))
    made = rate("optimizer.schedule=warm_restarts", "optimizer.schedule_options.cycle=2.5")
    assert made == WarmUp(schedules.WarmRestarts(0.1, cycle=125), steps=50)


@pytest.mark.parametrize("text", ["4,8", "4, 8", "[4, 8]"])
def test_milestones_as_people_type_them(text: str) -> None:
    made = rate("optimizer.schedule=step_decay", f"optimizer.schedule_options.milestones={text}",
                "optimizer.warm_up=0")  # fmt: skip
    assert made == schedules.StepDecay(0.1, milestones=(200, 400))


def test_a_plateau_goes_around_the_warm_up() -> None:
    made = rate("optimizer.schedule=plateau", "optimizer.schedule_options.patience=3")
    assert made == Plateau(WarmUp(0.1, steps=50), patience=3)


@pytest.mark.parametrize("name", ["one_cycle", "coslog4", "warm_up"])
def test_what_rises_by_itself_has_the_whole_training(name: str) -> None:
    made = rate(f"optimizer.schedule={name}")
    assert type(made) is SCHEDULES[name]
    assert vars(made)["steps"] == (50 if name == "warm_up" else STEPS)


def test_rules_around_the_rule() -> None:
    made = rule(
        "optimizer.name=momentum", "optimizer.schedule=constant", "optimizer.warm_up=0",
        "optimizer.weight_decay=0.2", "optimizer.l1=0.3", "optimizer.clip_value=4",
        "optimizer.clip_norm=5", "training.average_weights=0.6",
    )  # fmt: skip
    opt = st.optim
    decayed = opt.L1Decay(opt.WeightDecay(opt.Momentum(0.1), 0.2), 0.3)
    clipped = opt.ClipByNorm(opt.ClipByValue(decayed, 4.0), 5.0)
    assert made == opt.AveragedParameters(clipped, 0.6)
    assert rule("optimizer.schedule=constant", "optimizer.warm_up=0") == opt.AdamW(0.1)


def test_epochs_that_are_many_keep_their_milestones_apart() -> None:
    check_methods(
        configured("optimizer.schedule=step_decay", "training.max_epochs=5000",
                   "optimizer.schedule_options.milestones=[1, 2]")
    )  # fmt: skip


def test_what_cannot_be_put_together_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ClipByNorm: compose it with Nesterov"):
        rule("optimizer.name=nesterov_look_ahead", "optimizer.clip_norm=1")
    with pytest.raises(ConfigurationError, match="clip_norm = -1 is not possible"):
        configured("optimizer.clip_norm=-1")
    with pytest.raises(ConfigurationError, match=r"milestones rise.*: \[8, 4\]"):  # in epochs
        rate("optimizer.schedule=step_decay", "optimizer.schedule_options.milestones=[8, 4]")
    with pytest.raises(ConfigurationError, match="a Plateau lowers the learning rate"):
        rule("optimizer.name=momentum", 'optimizer.momentum={schedule = "plateau", rate = 0.9}')
