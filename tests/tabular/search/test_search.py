"""Searches of a small table, interpreted: what is tried, judged, pruned, kept and scored."""

from __future__ import annotations

import csv
import io
import os
import platform
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

import steepest as st
from steepest.errors import ConfigurationError, TrainingError
from steepest.tabular.prepare import prepare
from steepest.tabular.search import (
    LAYOUTS,
    PRUNERS,
    SearchNow,
    SearchResult,
    search_table,
    trials_csv,
)
from steepest.tabular.search.folds import folds
from steepest.tabular.sections.data import Data

pytestmark = pytest.mark.row("E4")

SPACE = {
    "optimizer": {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}},
    "network": {"layers": [1, 2], "width": {"low": 2, "high": 8, "log": True}},
}
# Batches of one size, as each size is another program.
SHORT = {"training": {"max_epochs": 2, "batch_size": 35}, "preprocessing": {"numeric": "standard"}}


def frame(rows: int = 100) -> dict[str, Any]:
    random = np.random.default_rng(0)
    x, z = random.normal(size=rows), random.normal(size=rows)
    return {"x": x, "z": z, "y": np.where(x + 0.5 * z > 0, "yes", "no")}


def search(**arguments: Any) -> SearchResult:  # noqa: ANN401 - those of search_table
    given: dict[str, Any] = {"space": SPACE, "trials": 5, "backend": "reference", **arguments}
    configuration = given.pop("configuration", SHORT)
    return search_table(given.pop("source", frame()), "y", configuration, **given)


@pytest.fixture(scope="module")
def found() -> SearchResult:
    return search()


def test_the_best_trial_is_the_model_and_its_test_was_never_seen(found: SearchResult) -> None:
    values = [trial.value for trial in found.trials if trial.value is not None]
    assert [trial.number for trial in found.trials] == [0, 1, 2, 3, 4]
    assert found.best.value == min(values)
    results = found.model.results
    assert results.validation is not None
    assert results.validation["log_loss"] == found.best.value
    assert (results.training_rows, results.validation_rows, results.test_rows) == (70, 10, 20)
    assert found.model.configuration == found.configuration


def test_a_trial_is_what_fit_table_does_with_its_options(found: SearchResult) -> None:
    options = found.trials[3].options
    sizes = [options["network.width"]] * int(str(options["network.layers"]))
    configuration = {
        **SHORT,
        "data": {"test": 0.2},
        "network": {"hidden_layer_sizes": sizes},
        "optimizer": {"learning_rate": options["optimizer.learning_rate"]},
    }
    fitted = st.fit_table(frame(), "y", configuration, backend="reference")
    assert fitted.results.validation is not None
    assert fitted.results.validation["log_loss"] == found.trials[3].value


@pytest.mark.parametrize("jobs", [1, 2])
def test_equal_arguments_give_equal_trials_whatever_runs_at_once(
    found: SearchResult, jobs: int
) -> None:
    again = search(jobs=jobs)
    assert [(t.value, t.options) for t in again.trials] == [
        (t.value, t.options) for t in found.trials
    ]
    assert again.model.to_bytes() == found.model.to_bytes()


def test_another_seed_tries_other_options(found: SearchResult) -> None:
    seeded = {**SHORT, "training": {**SHORT["training"], "seed": 1}}
    other = search(configuration=seeded, trials=2)
    assert other.trials[0].options != found.trials[0].options


RATES = {"optimizer": {"learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}}}


@pytest.fixture(scope="module")
def guided() -> SearchResult:
    return search(space=RATES, sampler="tpe", trials=18, pruner="none")


@pytest.mark.parametrize("sampler", sorted({*LAYOUTS} - {"tpe"}))
def test_every_sampler_searches_and_repeats_itself(sampler: str) -> None:
    trials = {"random": 2, "grid": None}[sampler]
    once, twice = (search(space=RATES, sampler=sampler, trials=trials) for _ in range(2))
    assert [t.options for t in once.trials] == [t.options for t in twice.trials]
    assert len(once.trials) == (trials or 3)


def test_tpe_repeats_itself_beyond_the_trials_that_are_laid_out(guided: SearchResult) -> None:
    again = search(space=RATES, sampler="tpe", trials=12, pruner="none")
    assert [t.options for t in again.trials] == [t.options for t in guided.trials[:12]]


def test_tpe_looks_where_trials_were_good(guided: SearchResult) -> None:
    tried = guided.trials
    rates = np.log10([float(str(each.options["optimizer.learning_rate"])) for each in tried])
    assert rates[10:].mean() > rates[:10].mean() + 1  # large ones learn in two epochs


def test_hopeless_trials_are_pruned_and_the_others_are_as_without() -> None:
    rates = [1e-6, 1e-5, 1e-4, 0.02, 0.05, 0.1]
    arguments: dict[str, Any] = {
        "space": {"optimizer": {"learning_rate": rates}},
        "configuration": {**SHORT, "training": {"max_epochs": 6, "patience": 0, "batch_size": 35}},
        "trials": 9,
    }
    every = {t.number: t for t in search(**arguments, pruner="none").trials}
    assert {t.state for t in every.values()} == {"complete"}
    for pruner in set(PRUNERS) - {"none"}:
        tried = search(**arguments, pruner=pruner)
        pruned = [t for t in tried.trials if t.state == "pruned"]
        assert pruned
        for trial in pruned:
            assert trial.epochs < 6
            assert trial.value is None
        for trial in tried.trials:
            if trial.state == "complete":
                assert trial.value == every[trial.number].value
        assert tried.best.value is not None
        assert tried.best.value <= np.median([float(t.value or 0) for t in every.values()])
        if pruner == "median":
            assert all(float(str(t.options["optimizer.learning_rate"])) < 0.05 for t in pruned)


@pytest.mark.parametrize(
    ("metric", "rising"), [("accuracy", True), ("brier", False), ("f1:yes", True)]
)
def test_the_direction_follows_from_the_metric(metric: str, rising: bool) -> None:
    found = search(metric=metric, trials=3)
    values = [trial.value for trial in found.trials if trial.value is not None]
    assert found.best.value == (max(values) if rising else min(values))
    assert found.rising == rising


def test_folds_hold_every_row_once_and_each_class_alike() -> None:
    parts = prepare(frame(103), st.Configuration(data=_target("y")))
    held = [part.validation for part in folds(parts, 4) if part.validation is not None]
    assert sorted(map(len, held)) == [23, 23, 23, 24]
    for label in ("yes", "no"):
        counts = [each.column("y").texts().count(label) for each in held]
        assert np.ptp(counts) <= 1
    numbers = np.concatenate([each.numbers for each in held])
    assert sorted(numbers) == sorted(parts.training.numbers)


def test_folds_divide_as_the_table_is_divided() -> None:
    table = {**frame(100), "who": np.arange(100) % 7, "day": np.arange(100)}
    parts = prepare(table, st.Configuration(data=Data(target="y", group="who", test=0.2)))
    for part in folds(parts, 3):
        assert part.validation is not None
        who = [set(each.column("who").texts()) for each in (part.training, part.validation)]
        assert not who[0] & who[1]
    parts = prepare(table, st.Configuration(data=Data(target="y", time="day", test=0.2)))
    assert parts.test is not None
    for part in folds(parts, 3):
        assert part.validation is not None
        newest = max(map(int, part.training.column("day").texts()))
        oldest = min(map(int, part.validation.column("day").texts()))
        assert newest < oldest < 80
    with pytest.raises(ConfigurationError, match="groups of 'who', not 9"):
        search(source=table, configuration={"data": {"group": "who"}}, cv=9, trials=1)


def test_cross_validation_is_the_mean_of_its_folds() -> None:
    found = search(cv=3, trials=2, pruner="none")
    parts = prepare(frame(), st.Configuration(data=_target("y", validation=0.0, test=0.2)))
    trial = found.trials[1]
    scores: list[float] = []
    for part in folds(parts, 3):
        fitted = st.fit_table(
            part.training,
            "y",
            {
                **SHORT,
                "data": {"validation": 0},
                "optimizer": {"learning_rate": trial.options["optimizer.learning_rate"]},
                "network": {
                    "hidden_layer_sizes": [trial.options["network.width"]]
                    * int(str(trial.options["network.layers"]))
                },
            },
            validation=part.validation,
            backend="reference",
        )
        assert fitted.results.validation is not None
        scores.append(float(fitted.results.validation["log_loss"] or 0))
    assert trial.value == pytest.approx(np.mean(scores), rel=1e-12)


def test_what_was_kept_is_gone_on_with(found: SearchResult, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'trials.db'}"
    ended: list[int] = []

    def note(now: SearchNow) -> None:
        if now.ended is not None:
            ended.append(now.ended.number)

    few = search(storage=storage, trials=2, on_progress=note)
    every = search(storage=storage, trials=5, on_progress=note)
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert few.trials == every.trials[:2]
    assert [t.value for t in every.trials] == [t.value for t in found.trials]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source": frame(90)}, "of another table: 100 rows, now 90"),
        ({"source": {**frame(), "x": np.zeros(100)}}, "of another table of 100 rows"),
        ({"metric": "accuracy"}, "with metric log_loss, now accuracy"),
        ({"cv": 3}, "with --cv 1, now 3"),
        ({"sampler": "tpe"}, "with sampler random, now tpe"),
        ({"space": {"network": {"width": [2, 4]}}}, "in the space network.layers = .*now nothing"),
        (
            {"configuration": {**SHORT, "training": {"max_epochs": 3, "batch_size": 35}}},
            "training.max_epochs = 2, now 3",
        ),
    ],
)
def test_a_study_of_something_else_is_refused(change: dict[str, Any], says: str, kept: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as error:
        search(storage=kept, trials=1, **change)
    assert len(str(error.value).splitlines()) == 2


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    storage = f"sqlite:///{tmp_path_factory.mktemp('kept') / 'trials.db'}"
    search(storage=storage, trials=1)
    return storage


def test_storages_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    foreign, text, locked = (tmp_path / name for name in ("foreign.db", "text.db", "locked.db"))
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    text.write_text("no database at all, but long enough to be read as one" * 50)
    for path, says in (
        (foreign, "another program.*songs.*--storage"),
        (text, r"text\.db: file is not a database"),
        (tmp_path / "no" / "such.db", "there is no folder"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            search(storage=f"sqlite:///{path}")
    with pytest.raises(ConfigurationError, match="cannot keep trials in nonsense"):
        search(storage="nonsense://there")
    holder = sqlite3.connect(locked)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ConfigurationError, match=r"locked\.db: database is locked"):
        search(storage=f"sqlite:///{locked}")
    holder.close()


def test_the_timeout_ends_what_runs_and_keeps_what_ended() -> None:
    long = {**SHORT, "training": {"max_epochs": 100_000, "patience": 0, "batch_size": 8}}
    began = time.monotonic()
    with pytest.raises(TrainingError, match=r"within 1\.0 seconds"):
        search(configuration=long, timeout=1.0)
    assert time.monotonic() - began < 60
    with pytest.raises(ConfigurationError, match="above 0"):
        search(timeout=0)
    with pytest.raises(ConfigurationError, match="timeout is a number of seconds above 0"):
        search(timeout=float("inf"))


def test_images_are_not_searched(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2, 2), np.uint8), y=[0, 1, 0, 1])
    with pytest.raises(ConfigurationError, match="holds images, and a search is for tables"):
        search(source=tmp_path / "a.npz")


def test_a_drawn_batch_larger_than_the_rows_is_all_of_them_and_a_given_one_is_refused() -> None:
    short = {"training": {"max_epochs": 1}}
    sizes = search(configuration=short, space={"training": {"batch_size": [70, 500]}}, trials=3)
    assert {trial.state for trial in sizes.trials} == {"complete"}
    assert sizes.configuration.training.batch_size == 70
    with pytest.raises(ConfigurationError, match="batch_size = 500 is more than the 70 rows"):
        search(configuration={"training": {"batch_size": 500}})


def test_a_trial_that_diverges_has_failed_and_the_search_goes_on() -> None:
    wild = {"optimizer": {"learning_rate": [0.01, 1000.0], "name": ["sgd"]}}
    source = {"x": frame()["x"], "y": 1e3 * frame()["x"] + frame()["z"]}
    short = {**SHORT, "training": {"max_epochs": 40, "batch_size": 10}}
    found = search(source=source, space=wild, sampler="grid", trials=None, configuration=short)
    states = {t.options["optimizer.learning_rate"]: t.state for t in found.trials}
    assert states[0.01] == "complete"
    assert found.best.options["optimizer.learning_rate"] == 0.01
    assert len(found.trials) == 2


def test_optuna_is_left_as_it_was(found: SearchResult) -> None:
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert found.importances().keys() == set(found.space.dimensions)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert sum(found.importances().values()) == pytest.approx(1)


def test_the_option_that_matters_is_found() -> None:
    space = {
        "optimizer": {"learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}},
        "training": {"l2": {"low": 1e-9, "high": 1e-8}},
    }
    found = search(space=space, trials=8, pruner="none")
    assert next(iter(found.importances())) == "optimizer.learning_rate"


def test_csv_holds_every_trial(found: SearchResult) -> None:
    rows = [*csv.DictReader(io.StringIO(trials_csv(found.trials, found.metric)))]
    assert [int(row["trial"]) for row in rows] == [0, 1, 2, 3, 4]
    for row, trial in zip(rows, found.trials, strict=True):
        assert float(row["log_loss"]) == trial.value
        rate = float(row["optimizer.learning_rate"])
        assert rate == trial.options["optimizer.learning_rate"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"trials": 0}, "at least 1 trial, not 0"),
        ({"cv": 1}, "at least 2 folds, not 1"),
        ({"cv": 200}, "from 2 folds up to one for each of the 80 rows"),
        ({"cv": 3, "validation": frame()}, "leave out --validation"),
        ({"jobs": 0}, "jobs is a number from 1"),
        ({"metric": "rmse"}, "no metric 'rmse' for classification; valid: 'accuracy'"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
        ({"sampler": "rando"}, "did you mean 'random'"),
        ({"pruner": "medain"}, "did you mean 'median'"),
        ({"configuration": {**SHORT, "data": {"validation": 0}}}, "no rows are left to judge"),
        ({"space": {"network": {"dropout": [0.1, 1]}}}, "the space: network.dropout = 1 is not"),
        ({"space": {"network": {"width": [0]}}}, "network.width is a whole number from 1"),
        ({"space": {"optimizer": {"name": ["adam", "adamm"]}}}, "did you mean 'adam"),
        (
            {"space": {"optimizer": {"name": ["adam", "sgd"], "options.beta2": [0.9]}}},
            "the space: optimizer.options: 'sgd' has no option 'beta2'",
        ),
    ],
)
def test_mistakes_are_told_before_the_first_trial(arguments: dict[str, Any], says: str) -> None:
    told: list[SearchNow] = []
    with pytest.raises(ConfigurationError, match=says) as error:
        search(**arguments, on_progress=told.append)
    assert not told
    assert len(str(error.value).splitlines()) <= 2


def test_searches_in_several_threads_do_not_mix() -> None:
    results: dict[int, SearchResult] = {}
    threads = [
        threading.Thread(
            target=lambda trials=trials: results.update({trials: search(trials=trials)})
        )
        for trials in (2, 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[2].trials[0].value == results[3].trials[0].value
    assert len(results[3].trials) == 3


def _target(name: str, *, validation: float = 0.1, test: float = 0.0) -> Data:
    return Data(target=name, validation=validation, test=test)


@pytest.fixture(autouse=True)
def no_storage_is_left_open() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def test_the_place_of_a_killed_process_is_free_again(found: SearchResult, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'trials.db'}"
    search(storage=storage, trials=2)
    study = optuna.load_study(study_name="search", storage=storage)
    killed = study.ask()
    killed.set_user_attr("place", 2)
    killed.set_user_attr("owner", f"{platform.node()}:{os.getpid()}:an earlier start")
    again = search(storage=storage, timeout=60)  # or it would wait for the dead for ever
    assert [(t.number, t.value) for t in again.trials] == [
        (t.number, t.value) for t in found.trials
    ]
