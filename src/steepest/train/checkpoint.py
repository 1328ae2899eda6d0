"""Checkpoints: a running fit in a file, to go on from as if it had never been interrupted."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, cast, final, runtime_checkable

import numpy as np

from steepest.errors import CheckpointError, ConfigurationError, SteepestError
from steepest.ir.types import Array
from steepest.train.fingerprint import Fingerprint, differences, version
from steepest.train.resumable import Kept, Resumable

NO_PLACE = "a place for checkpoints is the path of a file, not {!r}"


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; training goes on, the one before stays."""


@final
@dataclass(frozen=True)
class Moment:
    """A fit at one moment.

    Args:
        fingerprint: what the fit depends on.
        state: all that had changed so far.
        first_epoch: the first epoch of the call of ``fit``, from 1.
        last_epoch: the last one that was planned.
    """

    fingerprint: Fingerprint
    state: Kept
    first_epoch: int
    last_epoch: int

    @property
    def ending(self) -> str:
        """How the fit was over, if it was: "finished", "early stopping" …; else nothing."""
        ended: str | None = self.state["ended"]
        return ended or ("finished" if self.state["epoch"] > self.last_epoch else "")


@runtime_checkable
class Store(Protocol):
    """Where the moments of a fit are kept: a file of their own, or a part of one."""

    def check(self) -> None:
        """Refuse, before training, a place that cannot be written to."""
        ...

    def write(self, moment: Moment) -> None:
        """Keep a moment in place of the one before."""
        ...

    def read(self) -> Moment | None:
        """The moment that was kept last; None where there is none, so that a fit begins."""
        ...


Place: TypeAlias = "str | os.PathLike[str] | Store"


@final
@dataclass(frozen=True)
class Checkpoint:
    """Keep a running fit in a file, so that it can go on after an interruption with equal bits.

    Written every so many epochs or steps, and when ``fit`` ends: after the last epoch, by early
    stopping, a callback, the time limit, Ctrl-C. The file is a .safetensors with the weights, the
    optimizer's numbers, the step, the sums of the epoch under way, the history, the best weights
    so far, and with what it was made, hashes of the data among it. A new one replaces the old one
    when it is complete.

    Args:
        path: of the file.
        every: how many epochs, or steps, between two.
        unit: ``epochs`` or ``steps``.
        about: what else the fit depends on, by name; a resumed one must have the same.

    Raises:
        ConfigurationError: ``every`` below 1, another unit.

    Differs from PyTorch and Keras: one file has all of it, the place within an epoch included, and
    it is refused for other data or options than it was made with.

    >>> import steepest as st, tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "line.safetensors"
    >>> x = np.arange(8.0)[:, None]
    >>> def trainer():
    ...     with st.random.stream(0):
    ...         return st.Trainer(st.nn.Linear(1, 1), "half_squared_error", st.optim.SGD(0.01))
    >>> whole, options = trainer(), {"batch_size": 4}
    >>> _ = whole.fit(x, x[:, 0], epochs=6, **options)
    >>> _ = trainer().fit(x, x[:, 0], epochs=2, **options, checkpoint=st.Checkpoint(file))
    >>> again = trainer()
    >>> _ = again.fit(x, x[:, 0], epochs=6, **options, resume=file)  # 4 more
    >>> bool(np.all(again.predict(x) == whole.predict(x)))
    True
    """

    path: Place
    every: int = 1
    unit: Literal["epochs", "steps"] = "epochs"
    about: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        every: Any = self.every
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ConfigurationError(
                f"Checkpoint: every is a whole number from 1 on, not {every!r}"
            )
        if self.unit not in ("epochs", "steps"):
            raise ConfigurationError(
                f"Checkpoint: unit is 'epochs' or 'steps', not {cast('object', self.unit)!r}"
            )


@final
class Keeper:
    """Keeps the moments of a fit when they are due.

    Args:
        checkpoint: where and how often; None: never.
        fingerprint: what the fit depends on.
        first_epoch: of the call of ``fit``.
        last_epoch: that is planned.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        fingerprint: Fingerprint,
        *,
        first_epoch: int,
        last_epoch: int,
    ) -> None:
        self._checkpoint = checkpoint
        self._fingerprint = fingerprint
        self._epochs = (first_epoch, last_epoch)
        self._store = None if checkpoint is None else store(checkpoint.path)
        if self._store is not None:
            self._store.check()

    def steps_left(self, steps: int) -> int | None:
        """How many steps from here until one is due; None where steps do not decide."""
        of = self._checkpoint
        return None if of is None or of.unit != "steps" else of.every - steps % of.every

    def after_step(self, steps: int, fit: Resumable) -> None:
        """Keep it if it is due; within an epoch."""
        of = self._checkpoint
        if of is not None and of.unit == "steps" and steps % of.every == 0:
            self.keep(fit)

    def after_epoch(self, epoch: int, steps: int, fit: Resumable) -> None:
        """Keep it if it is due; between epochs."""
        of = self._checkpoint
        if of is not None and (epoch if of.unit == "epochs" else steps) % of.every == 0:
            self.keep(fit)

    def keep(self, fit: Resumable) -> None:
        """Keep it now; a disk that is full in the middle of a long fit is no reason to end it."""
        if self._store is None:
            return
        moment = Moment(self._fingerprint, fit.state(), *self._epochs)
        try:
            self._store.write(moment)
        except SteepestError as error:
            say_unwritten(error)


def say_unwritten(error: SteepestError) -> None:
    """Warn that there is no new checkpoint, with the reason."""
    warnings.warn(
        f"no checkpoint was written, training goes on: {error}", CheckpointWarning, stacklevel=3
    )


@final
@dataclass(frozen=True)
class CheckpointFile:
    """A file with one moment."""

    path: Path

    def check(self) -> None:
        """See :class:`Store`."""
        from steepest.data import check_writable

        check_writable(self.path)

    def write(self, moment: Moment) -> None:
        """See :class:`Store`."""
        write_moments(self.path, {"": moment})

    def read(self) -> Moment:
        """See :class:`Store`."""
        moment = read_moments(self.path, [""])[""]
        assert moment is not None, "a file of one moment is written with it"
        return moment


def store(place: Place) -> Store:
    """Where the moments of a fit are kept.

    Raises:
        ConfigurationError: neither a path nor a store.
    """
    if isinstance(place, str | os.PathLike):
        return CheckpointFile(Path(place))
    if not isinstance(place, Store):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(NO_PLACE.format(place))
    return place


def check_checkpoint(value: object) -> None:
    """Refuse what is given in the place of a checkpoint.

    Raises:
        ConfigurationError: neither a checkpoint nor None.
    """
    if value is not None and not isinstance(value, Checkpoint):
        raise ConfigurationError(f"checkpoint is st.Checkpoint(FILE), or None, not {value!r}")


def check_same(place: Place, then: Moment, now: Fingerprint, last_epoch: int) -> None:
    """Refuse to go on in another fit than the one that was kept.

    Raises:
        CheckpointError: names the differences.
    """
    name = str(place.path if isinstance(place, CheckpointFile) else place)
    found = differences(then.fingerprint, now)
    if then.last_epoch != last_epoch and any(each.startswith("optimizer.") for each in found):
        found.append(
            f"epochs={then.last_epoch:,}, now {last_epoch:,}, on which a learning rate may depend"
        )
    if found:
        raise CheckpointError(
            f"{name} is a checkpoint of another fit: it was made with {'; '.join(found)}. Give the "
            "same again, or do not resume"
        )
    done = then.state["epoch"] - 1
    if done > last_epoch:
        raise CheckpointError(
            f"{name} is a checkpoint after epoch {done:,}, and epochs asks for {last_epoch:,} "
            "in all: ask for more"
        )


# ------------------------------------------------------------------------------------- the file


def write_moments(path: Path, moments: Mapping[str, Moment | None]) -> None:
    """Write moments by name into one file, whole or not at all; None for a fit without any yet.

    Raises:
        DataError: it cannot be written.
    """
    from steepest.data import whole_file

    arrays: dict[str, Array] = {}
    document = {
        "holds": "checkpoint",
        "version": version(),
        "moments": {
            name: moment
            and {
                "fingerprint": moment.fingerprint,
                "first_epoch": moment.first_epoch,
                "last_epoch": moment.last_epoch,
                "state": _packed(moment.state, f"{name}/", arrays),
            }
            for name, moment in moments.items()
        },
    }
    content = _kind().bytes_of(arrays, document)
    with whole_file(path) as file:
        file.write(content)


def read_moments(path: Path, names: Sequence[str] | None = None) -> dict[str, Moment | None]:
    """The moments that a file holds.

    Args:
        path: of the file.
        names: that it should have: one, which is empty, or those of an ensemble's members; None:
            any.

    Raises:
        CheckpointError: there is none, or it is damaged, of another kind, of a newer format or
            with other names.
    """
    arrays, document = _kind().read(path)
    try:
        if names is not None and sorted(document["moments"]) != sorted(names):
            raise CheckpointError(
                f"{path} is a checkpoint of another fit: it was made with "
                f"{_fits(document['moments'])}, now {_fits(names)}"
            )
        return {
            name: each
            and Moment(
                fingerprint=each["fingerprint"],
                state=_unpacked(each["state"], arrays),
                first_epoch=each["first_epoch"],
                last_epoch=each["last_epoch"],
            )
            for name, each in document["moments"].items()
        }
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError(
            f"the checkpoint {path} is damaged (it lacks what a checkpoint has); start anew"
        ) from None


def _fits(names: Collection[str]) -> str:
    return "one model" if "" in names else f"an ensemble of {len(names)}"


def _kind() -> Any:
    # Reading and writing of files is the data room's, which a fit without them need not load.
    from steepest.data import FileKind

    return FileKind(
        name="checkpoint",
        file="checkpoint",
        format=1,
        source="a fit with a checkpoint",
        remedy="start anew",
        error=CheckpointError,
    )


def _packed(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A value as JSON; arrays go into ``arrays``, and numbers that JSON lacks become text."""
    if isinstance(value, np.ndarray):
        arrays[name] = cast("Array", value)
        return {"array": name}
    if isinstance(value, np.generic):
        return _packed(cast("Any", value).item(), name, arrays)
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value).items()
        return {"dict": {key: _packed(part, f"{name}.{key}", arrays) for key, part in parts}}
    if isinstance(value, list | tuple):
        parts = enumerate(cast("list[Any]", value))
        return [_packed(part, f"{name}.{place}", arrays) for place, part in parts]
    return value


def _unpacked(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, list):
        return [_unpacked(part, arrays) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = cast("dict[str, Any]", value).items()
    if kind == "array":
        return arrays[content]
    if kind == "number":
        return float(content)
    return {key: _unpacked(part, arrays) for key, part in content.items()}
