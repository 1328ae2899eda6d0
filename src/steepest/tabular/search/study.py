"""The trials in a storage of Optuna's, which outlives the process and can be shared by several."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, cast, final

import msgspec

from steepest.errors import ConfigurationError, extra
from steepest.tabular.search.fingerprint import Fingerprint, differences
from steepest.tabular.search.layouts import Layout
from steepest.tabular.search.owner import is_gone, this_process
from steepest.tabular.search.quiet import quiet
from steepest.tabular.search.records import State, Trial
from steepest.tabular.search.samplers import Laid, suggested, written
from steepest.tabular.search.space import Drawn

with extra("search"):
    import optuna
    from optuna.pruners import BasePruner
    from optuna.storages import BaseStorage, RDBStorage
    from optuna.trial import FrozenTrial, TrialState

_KEY = "steepest"
_PATIENCE = 10.0  # seconds for what takes another process milliseconds
_LOCKED = 5.0  # seconds that a locked file is waited for at first, and while trials run
_LONGEST = 60.0


@final
class Claim:
    """A trial that this process works on."""

    def __init__(self, study: optuna.Study, trial: optuna.Trial, number: int, drawn: Drawn) -> None:
        self._study = study
        self._trial = trial
        self.number = number
        self.drawn = drawn

    def is_hopeless(self, epoch: int, loss: float) -> bool:
        """Tell the loss after an epoch; whether the pruner would rather end this trial."""
        self._trial.report(loss, epoch)
        return self._trial.should_prune()

    def end(
        self,
        state: Literal["complete", "pruned", "failed"],
        *,
        value: float | None = None,
        epochs: int = 0,
        seconds: float = 0.0,
        message: str = "",
    ) -> None:
        """Write down what came of it."""
        for name, each in (("epochs", epochs), ("seconds", seconds), ("message", message)):
            self._trial.set_user_attr(name, each)
        states = {
            "complete": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "failed": TrialState.FAIL,
        }
        self._study.tell(self._trial, value, state=states[state])

    def withdraw(self) -> None:
        """Give the place back: this trial has not been; unless it has ended."""
        self._study.tell(self._trial, state=TrialState.FAIL, skip_if_finished=True)


@final
class Ledger:
    """The trials of one search: which are done, which are being worked on, which place is next."""

    def __init__(self, study: optuna.Study, layout: Layout, sampler: Laid) -> None:
        self.study = study
        self._layout = layout
        self._sampler = sampler
        self._owner = this_process()
        self._lock = threading.Lock()

    def claim(self) -> Claim | None:
        """Take the first place that nobody works on; None when there is none.

        Places that a killed process worked on are free again, with the values they had.
        """
        while True:
            with self._lock:
                self._bury()
                taken = {_number(each) for each in self._alive()}
                free = (place for place in range(self._layout.trials) if place not in taken)
                place = next(free, None)
                if place is None:
                    return None
                trial = self.study.ask()
                trial.set_user_attr("place", place)
                trial.set_user_attr("owner", self._owner)
                if self._is_first(trial, place):
                    return Claim(self.study, trial, place, self._drawn(trial, place))
                self.study.tell(trial, state=TrialState.FAIL)

    def trials(self) -> list[Trial]:
        """What is known of each place that was begun, in their order."""
        dimensions = self._layout.space.dimensions
        return sorted(
            (
                Trial(
                    number=_number(each),
                    state=_STATES[each.state],
                    value=each.value if each.state == TrialState.COMPLETE else None,
                    options={
                        name: written(dimensions[name], each.params[name])
                        for name in dimensions
                        if name in each.params
                    },
                    epochs=each.user_attrs.get("epochs", 0),
                    seconds=each.user_attrs.get("seconds", 0.0),
                    message=each.user_attrs.get("message", ""),
                )
                for each in self._alive()
                if "place" in each.user_attrs
            ),
            key=lambda trial: trial.number,
        )

    def _alive(self) -> list[FrozenTrial]:
        """All but those withdrawn: told to have failed without a word why."""
        every = self.study.get_trials(deepcopy=False)
        return [
            each for each in every if each.state != TrialState.FAIL or "message" in each.user_attrs
        ]

    def _bury(self) -> None:
        """Withdraw the trials of processes that ended without a word."""
        for each in self._alive():
            owner = each.user_attrs.get("owner")
            if each.state == TrialState.RUNNING and owner is not None and is_gone(owner):
                self.study.tell(each.number, state=TrialState.FAIL, skip_if_finished=True)

    def _is_first(self, trial: optuna.Trial, place: int) -> bool:
        """Whether no other process took the same place at the same moment, and before this one."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            before = [each for each in self._alive() if each.number < trial.number]
            if any(_number(each) == place for each in before):
                return False
            undecided = [each for each in before if "place" not in each.user_attrs]
            if not any(each.state == TrialState.RUNNING for each in undecided):
                return True
            time.sleep(0.01)
        return True  # who was asked has been killed before it could answer

    def _drawn(self, trial: optuna.Trial, place: int) -> Drawn:
        self._sampler.place(trial.number, place)
        drawn: Drawn = {}
        for name, dimension in self._layout.space.dimensions.items():
            drawn[name] = suggested(trial, name, dimension)
        return drawn


_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
}


def _number(trial: FrozenTrial) -> int:
    return trial.user_attrs.get("place", -1)


@contextmanager
def opened(
    storage: str | None,
    name: str,
    fingerprint: Fingerprint,
    layout: Layout,
    pruner: BasePruner,
    *,
    rising: bool,
) -> Generator[Ledger]:
    """The study of this name, made or gone on with.

    Args:
        storage: a URL as Optuna takes them; None for this process's memory.
        name: the study's.
        fingerprint: what it is about.
        layout: which points are tried.
        pruner: which are stopped.
        rising: whether more is better.

    Raises:
        ConfigurationError: the storage cannot be used, or holds another study of this name.
    """
    store = _storage(storage)
    try:
        sampler = Laid(layout)
        with quiet():
            study = _study(store, name, sampler, pruner, rising=rising)
        _check(study, fingerprint, storage or "memory")
        yield Ledger(study, layout, sampler)
    except Exception as error:
        if _is_of_storage(error):
            raise ConfigurationError(_explained(storage, error)) from None
        raise
    finally:
        if isinstance(store, RDBStorage):
            store.remove_session()
            store.engine.dispose()


def _study(
    store: BaseStorage | str | None, name: str, sampler: Laid, pruner: BasePruner, *, rising: bool
) -> optuna.Study:
    return optuna.create_study(
        storage=store,
        study_name=name,
        sampler=sampler,
        pruner=pruner,
        direction="maximize" if rising else "minimize",
        load_if_exists=True,
    )


def _storage(storage: str | None) -> BaseStorage | str | None:
    if storage is None or not storage.startswith("sqlite:///"):
        return storage
    path = Path(storage.removeprefix("sqlite:///"))
    _check_file(path)
    until = time.monotonic() + _LONGEST
    while True:
        try:
            return RDBStorage(storage, engine_kwargs={"connect_args": {"timeout": _LONGEST}})
        except Exception as error:
            # Another process may make the tables at this moment.
            is_race = any(words in str(error) for words in ("already exists", "UNIQUE constraint"))
            if not is_race or time.monotonic() > until:
                raise ConfigurationError(_explained(storage, error)) from None
            time.sleep(0.1)


def _check_file(path: Path) -> None:
    """Refuse a file that is no database, or another program's, or locked."""
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no folder {str(path.parent)!r} for {path.name}")
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder; the trials need a file")
    is_there = path.exists() and path.stat().st_size > 0
    try:
        with closing(sqlite3.connect(path, timeout=_LOCKED, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {row[0] for row in tables}
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise ConfigurationError(_explained(f"sqlite:///{path}", error)) from None
    if is_there and names and "trial_user_attributes" not in names:
        raise ConfigurationError(
            f"{path} is the database of another program (its tables: {', '.join(sorted(names)[:3])}"
            "); give another file with --storage"
        )


def _check(study: optuna.Study, fingerprint: Fingerprint, where: str) -> None:
    text = msgspec.json.encode(fingerprint).decode()
    until = time.monotonic() + _PATIENCE
    while (found := study.user_attrs.get(_KEY)) is None:
        if not study.get_trials(deepcopy=False):
            study.set_user_attr(_KEY, text)
        elif time.monotonic() > until:
            raise ConfigurationError(
                f"the study {study.study_name!r} in {where} was not made by 'steepest search'; "
                "give another name with --study"
            )
        else:
            time.sleep(0.05)
    before = msgspec.json.decode(cast("str", found), type=Fingerprint)
    if different := differences(before, fingerprint):
        raise ConfigurationError(
            f"the study {study.study_name!r} in {where} was made {different[0]}\n"
            "search as before to go on with it, or give another --study or --storage"
        )


def _is_of_storage(error: Exception) -> bool:
    module = type(error).__module__
    return module.startswith(("sqlalchemy", "sqlite3")) or isinstance(
        error, optuna.exceptions.StorageInternalError
    )


def _explained(storage: str | None, error: Exception) -> str:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()
    where = (storage or "memory").removeprefix("sqlite:///")
    return f"cannot keep trials in {where}: {reason[0] if reason else type(error).__name__}"
