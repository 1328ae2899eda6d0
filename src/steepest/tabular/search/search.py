"""Search: many fits of one table with other options each, and the best of them fitted to keep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, final

import msgspec
from msgspec import Struct

from steepest.errors import ConfigurationError, TrainingError
from steepest.methods import implements
from steepest.tabular.configuration import Configuration
from steepest.tabular.fit import fit_parts
from steepest.tabular.model import TableModel
from steepest.tabular.options import to_plain
from steepest.tabular.parts import as_option
from steepest.tabular.search.problem import Problem, problem_of
from steepest.tabular.search.pruning import PRUNERS
from steepest.tabular.search.records import Trial, best_trial
from steepest.tabular.search.space import DEFAULT_SPACE, Space, space_from_plain
from steepest.train.callbacks import Callback, Snapshot, Stop
from steepest.train.interruption import stop_on_interrupt
from steepest.train.turns import available_processors, run_in_threads
from steepest.transform.executable import Backend

if TYPE_CHECKING:
    from steepest.tabular.search.study import Claim, Ledger

_LONGEST = 1e9  # seconds, 30 years; timers go a little further
_WAITING = 0.2  # seconds between looks at what other processes do


@final
class Running(Struct, frozen=True):
    """A trial that is being trained here: its number, how far it is, and its loss."""

    number: int
    fold: int
    epoch: int
    epochs: int
    loss: float | None


@final
class SearchNow(Struct, frozen=True, kw_only=True):
    """What a search is doing: how many trials there will be, those that are done, those running.

    `ended` is the trial that has just ended, if one has.
    """

    metric: str
    trials: int
    done: Sequence[Trial]
    best: Trial | None
    running: Sequence[Running]
    ended: Trial | None


OnProgress: TypeAlias = Callable[[SearchNow], None]


@final
class SearchResult(Struct, frozen=True, kw_only=True):
    """What a search has found.

    Attributes:
        trials: all, by number.
        best: the one with the best value.
        metric: the score searched for.
        configuration: the options of the best.
        model: fitted with them, and scored on the test rows, which the search never saw.
    """

    trials: tuple[Trial, ...]
    best: Trial
    metric: str
    rising: bool
    space: Space
    configuration: Configuration
    model: TableModel

    def importances(self) -> dict[str, float]:
        """The share of each option in the variance of the value over the space (fANOVA).

        Empty where there are too few trials to say. The most important first.
        """
        from steepest.tabular.search.importance import importances

        return importances(self.trials, self.space)


@implements("E4", option="steepest search TABLE")
def search_table(
    source: object,
    target: str | Sequence[str] | None = None,
    configuration: Configuration | Mapping[str, Any] | None = None,
    *,
    space: Space | Mapping[str, Any] | None = None,
    trials: int | None = None,
    sampler: str = "random",
    metric: str | None = None,
    cv: int | None = None,
    pruner: str = "median",
    validation: object | None = None,
    test: object | None = None,
    timeout: float | None = None,
    jobs: int = 1,
    storage: str | None = None,
    study: str = "search",
    on_progress: OnProgress | None = None,
    callbacks: Sequence[Callback] = (),
    backend: Backend = "native",
) -> SearchResult:
    """Fit a table with many options, x* = argmin over trials of the metric on rows held out.

    The trials are fitted as :func:`fit_table` does it; the best options then once more, and that
    model is scored on the test rows, on which nothing was decided. Equal arguments give equal
    trials, however many are run at once, and whether or not a search was interrupted ("tpe" looks
    at the trials before, so there with one job only).

    Args:
        source: As for :func:`fit_table`.
        target: The column to predict, or a list of several.
        configuration: The options that are not searched. `data.test`, the share of rows for the
            test, is 0.2 here unless it is given.
        space: What is searched: nested dictionaries with a list of choices, or {"low": …, "high":
            …, "log": True}, for an option; besides options the numbers `network.layers`,
            `network.width` and `network.narrowing`. By default a space of twelve.
        trials: How many, in all processes that share the study; by default 50, or the whole grid.
        sampler: "random", "grid" or "tpe".
        metric: A score of `TableModel.evaluate`; by default log_loss or rmse.
        cv: Judge by the mean of so many folds, instead of by one validation part.
        pruner: "median", "asha" or "none": which trials are stopped early.
        validation: A table to judge by, instead of a share of `source`.
        test: A table for the test.
        timeout: Seconds after which trials stop.
        jobs: How many are run at once, each on one processor; at most as many as there are.
        storage: Where trials are kept: a URL for Optuna such as "sqlite:///trials.db"; a search
            with the same arguments goes on with them. By default in memory.
        study: The name of this search in the storage.
        on_progress: Called with a :class:`SearchNow` now and then, from several threads in turn.
        callbacks: Of the last fit.
        backend: As for :func:`fit_table`.

    Raises:
        ConfigurationError: An option that makes no sense, a storage that holds another search, or
            Optuna is missing.
        TrainingError: No trial came to its end.
        KeyboardInterrupt: Ctrl-C; the trials so far are in the storage.

    Source: Bergstra, Bengio: "Random search for hyper-parameter optimization" (2012); Akiba et al.:
    "Optuna" (2019).

    >>> from steepest.data import bundled_table
    >>> space = {"optimizer": {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}}}
    >>> few = {"training": {"max_epochs": 3}}
    >>> found = search_table(bundled_table("iris"), "target", few, space=space, trials=3)
    >>> found.best.value == found.model.results.validation["log_loss"]
    True
    """
    given = to_plain(configuration) if isinstance(configuration, Configuration) else configuration
    plain: dict[str, Any] = {**(given or {})}
    if target is not None:
        plain["data"] = {**plain.get("data", {}), "target": as_option(target)}
    if timeout is not None and not 0 < timeout <= _LONGEST:
        raise ConfigurationError(
            f"timeout is a number of seconds above 0 and up to {_LONGEST:g}, not {timeout!r}"
        )
    if jobs < 1:
        raise ConfigurationError(f"jobs is a number from 1 on, not {jobs!r}")
    make_pruner = PRUNERS.find(pruner)
    problem = problem_of(
        source,
        plain,
        space_from_plain(space) if isinstance(space, Mapping) else space or DEFAULT_SPACE,
        sampler=sampler,
        trials=trials,
        metric=metric,
        cv=cv,
        validation=validation,
        test=test,
    )
    from steepest.tabular.search.study import opened

    most = problem.most_epochs
    with opened(
        storage,
        study,
        problem.fingerprint,
        problem.layout,
        make_pruner(most),
        rising=problem.rising,
    ) as ledger:
        works = Work(problem, ledger, on_progress, backend)
        works.run(min(jobs, available_processors()), timeout)
        found = ledger.trials()
    best = best_trial(found, rising=problem.rising)
    if best is None:
        raise TrainingError(_nothing(found, timeout))
    return _result(problem, found, best, callbacks, backend)


def _result(
    problem: Problem,
    trials: Sequence[Trial],
    best: Trial,
    callbacks: Sequence[Callback],
    backend: Backend,
) -> SearchResult:
    configuration = problem.configuration(best.options)
    parts = msgspec.structs.replace(problem.kept, configuration=configuration)
    return SearchResult(
        trials=tuple(trials),
        best=best,
        metric=problem.metric,
        rising=problem.rising,
        space=problem.layout.space,
        configuration=configuration,
        model=fit_parts(parts, callbacks=callbacks, backend=backend),
    )


def _nothing(trials: Sequence[Trial], timeout: float | None) -> str:
    failed = [trial.message for trial in trials if trial.state == "failed"]
    if failed:
        return f"no trial came to its end; the last failed: {failed[-1]}"
    return (
        f"no trial came to its end within {timeout} seconds; give --timeout more, or fewer epochs"
    )


@final
class Work:
    """The trials that this process runs."""

    def __init__(
        self, problem: Problem, ledger: Ledger, on_progress: OnProgress | None, backend: Backend
    ) -> None:
        self._problem = problem
        self._ledger = ledger
        self._on_progress = on_progress
        self._backend: Backend = backend
        self._running: dict[int, Running] = {}
        self._lock = threading.Lock()
        self._is_late = False

    def run(self, jobs: int, timeout: float | None) -> None:
        """Run trials until there are enough, here and elsewhere, or time is over.

        Raises:
            KeyboardInterrupt: Ctrl-C.
        """
        with stop_on_interrupt() as request:

            def be_late() -> None:
                self._is_late = True
                request.set()

            timer = threading.Timer(timeout, be_late) if timeout is not None else None
            if timer is not None:
                timer.daemon = True
                timer.start()
            try:
                while not request.is_set:
                    work = lambda: self._trials_until(lambda: request.is_set)  # noqa: E731
                    run_in_threads([work] * jobs, request.set)
                    if not any(each.state == "running" for each in self._ledger.trials()):
                        break
                    time.sleep(_WAITING)
            finally:
                if timer is not None:
                    timer.cancel()
        if request.is_set and not self._is_late:
            raise KeyboardInterrupt

    def _trials_until(self, is_over: Callable[[], bool]) -> None:
        while not is_over() and (claim := self._ledger.claim()) is not None:
            try:
                self._trial(claim)
            except BaseException:
                claim.withdraw()
                raise
            finally:
                self._running.pop(claim.number, None)

    def _trial(self, claim: Claim) -> None:
        began = time.perf_counter()
        self._tell(Running(claim.number, 0, 0, 0, None))
        values: list[float] = []
        epochs = 0
        for fold, parts in enumerate(self._problem.judged):
            watch = Watcher(self, claim, fold)
            try:
                configuration = self._problem.configuration(claim.drawn)
                model = fit_parts(
                    msgspec.structs.replace(parts, configuration=configuration),
                    callbacks=[watch],
                    backend=self._backend,
                )
            except (TrainingError, ConfigurationError) as error:
                seconds = time.perf_counter() - began
                claim.end("failed", epochs=epochs, seconds=seconds, message=str(error))
                return self._tell_end(claim)
            epochs += model.results.epochs
            if model.results.stopped == "interrupted":
                return claim.withdraw()
            if watch.is_hopeless:
                seconds = time.perf_counter() - began
                claim.end("pruned", epochs=epochs, seconds=seconds)
                return self._tell_end(claim)
            values.append(self._value(model))
        mean = sum(values) / len(values)
        claim.end("complete", value=mean, epochs=epochs, seconds=time.perf_counter() - began)
        self._tell_end(claim)

    def _value(self, model: TableModel) -> float:
        scores, metric = model.results.validation, self._problem.metric
        value = None if scores is None else scores[metric]
        if value is None:
            raise ConfigurationError(
                f"{metric} is not defined on {model.results.validation_rows} validation rows, "
                "which hold one value of the target only: give more rows, or another --metric"
            )
        return value

    def told(self, claim: Claim, fold: int, now: Snapshot) -> None:
        """Take note of an epoch."""
        loss = now.metrics.get("validation_loss")
        self._tell(Running(claim.number, fold, now.epoch, now.epochs, loss))

    def pruned(self, claim: Claim, now: Snapshot) -> bool:
        """Whether the pruner would end this trial; the study's direction is that of the metric."""
        sign = -1.0 if self._problem.rising else 1.0
        return claim.is_hopeless(now.epoch, sign * now.metrics["validation_loss"])

    def _tell(self, running: Running) -> None:
        self._running[running.number] = running
        self._say(None)

    def _tell_end(self, claim: Claim) -> None:
        self._running.pop(claim.number, None)
        self._say(claim.number)

    def _say(self, ended: int | None) -> None:
        if self._on_progress is None:
            return
        with self._lock:
            trials = self._ledger.trials()
            now = SearchNow(
                metric=self._problem.metric,
                trials=self._problem.layout.trials,
                done=[each for each in trials if each.state != "running"],
                best=best_trial(trials, rising=self._problem.rising),
                running=sorted(self._running.values(), key=lambda each: each.number),
                ended=next((each for each in trials if each.number == ended), None),
            )
            self._on_progress(now)


@final
class Watcher:
    """Called after each epoch of a trial; may stop it."""

    def __init__(self, work: Work, claim: Claim, fold: int) -> None:
        self._work = work
        self._claim = claim
        self._fold = fold
        self.is_hopeless = False

    def __call__(self, now: Snapshot) -> Stop | None:
        """Tell, and ask the pruner, which looks at the first fold, and the first of an ensemble."""
        self._work.told(self._claim, self._fold, now)
        is_asked = self._fold == 0 and now.member == 0 and now.epoch < now.epochs
        if is_asked and self._work.pruned(self._claim, now):
            self.is_hopeless = True
        return Stop("pruned") if self.is_hopeless else None
