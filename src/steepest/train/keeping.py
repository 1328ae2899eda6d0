"""What a fit depends on, and from there whether it may go on and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping

from steepest.train.checkpoint import (
    Checkpoint,
    Keeper,
    Moment,
    Place,
    check_checkpoint,
    check_same,
)
from steepest.train.fingerprint import ABOUT, VERSION, Fingerprint, described, shown, version
from steepest.train.plan import Plan, Trained
from steepest.train.rows import about as about_rows


def keeping(
    plan: Plan[Trained],
    optimizer: object,
    checkpoint: Checkpoint | None,
    resume: Place | None,
    moment: Moment | None,
) -> Keeper:
    """What keeps a fit, which may be one that goes on.

    Args:
        plan: what is to be done.
        optimizer: what moves the parameters.
        checkpoint: where and how often it is kept.
        resume: where the moment is from.
        moment: from which it is to go on.

    Raises:
        ConfigurationError: what was given is no checkpoint.
        CheckpointError: it was another fit; names the difference.
        DataError: the file cannot be written.
    """
    check_checkpoint(checkpoint)
    first, last = plan.first_epoch, plan.last_epoch
    if checkpoint is None and moment is None:
        return Keeper(None, {}, first_epoch=first, last_epoch=last)
    now = fingerprint(plan, optimizer, None if checkpoint is None else checkpoint.about)
    if moment is not None and resume is not None:
        if checkpoint is None:  # nobody says what else it depends on
            now.update({k: v for k, v in moment.fingerprint.items() if k.startswith(ABOUT)})
        check_same(resume, moment, now, last)
    return Keeper(checkpoint, now, first_epoch=first, last_epoch=last)


def fingerprint(
    plan: Plan[Trained], optimizer: object, about: Mapping[str, object] | None
) -> Fingerprint:
    """All that decides on the bits of a fit, but the number of epochs and what may cut it short."""
    objective = plan.step.objective
    model = objective.model
    held_out = (
        {} if plan.validation is None else about_rows(plan.validation.examples, "validation ")
    )
    return {
        VERSION: version(),
        **{ABOUT + name: str(value) for name, value in (about or {}).items()},
        "batch_size": f"{plan.batches.size:,}",
        **described("sampler", plan.sampler),
        **described("optimizer", optimizer),
        **described("loss", objective.loss),
        "l2": str(objective.l2),
        "seed": str(plan.seed),
        "member": str(plan.member),
        "backend": plan.backend,
        "metrics": ", ".join(plan.metrics) or "none",
        **plan.watch.about,
        **{
            f"{name} of the model": f"{cell.type}{'' if cell.trainable else ', not trained'}"
            for name, cell in model.states().items()
        },
        "model": shown(model),
        **plan.source.about,
        **held_out,
    }
