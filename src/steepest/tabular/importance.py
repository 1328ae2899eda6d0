"""How much each column matters to a model: what its scores lose when the column is shuffled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import NumberColumn, Preprocessor, Table, drop_rows_without, read_targets
from steepest.errors import ConfigurationError, DataError, nearest
from steepest.tabular.heads import Head
from steepest.tabular.network import network_inputs
from steepest.tabular.results import Results
from steepest.tabular.scores import rises
from steepest.tabular.trained import TrainedNetwork
from steepest.tensor.random import permutation

__all__ = ["ColumnImportance", "Importances", "Progress", "column_importances"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the columns that are done, and all."""

TOGETHER = 0.9
"""From this rank correlation on, two columns are said to go together."""

_DRAW = 2**31 + 64
_MOST_COMPARED = 200  # columns, and rows times a hundred, for correlations


class Scored(Protocol):
    """What is asked of a model, which is a `TableModel`."""

    @property
    def preprocessor(self) -> Preprocessor: ...
    @property
    def trained(self) -> TrainedNetwork: ...
    @property
    def head(self) -> Head: ...
    @property
    def results(self) -> Results: ...
    def read(self, source: object) -> Table: ...


@final
class ColumnImportance(Struct, frozen=True, kw_only=True):
    """What the score loses when one column is shuffled.

    Attributes:
        column: its name.
        mean: over the repeats; positive where shuffling makes the score worse.
        low: the lower end of the 95 % interval of the mean.
        high: the upper end.
        losses: of each repeat.
    """

    column: str
    mean: float
    low: float
    high: float
    losses: tuple[float, ...]


@final
class Importances(Struct, frozen=True, kw_only=True):
    """The columns of a model, the most important first.

    Attributes:
        metric: the score that is looked at.
        score: its value on the rows as they are.
        rows: how many there are.
        repeats: how often each column was shuffled.
        columns: all features.
        together: groups of numeric columns that go together, so that each covers for the others.
    """

    metric: str
    score: float
    rows: int
    repeats: int
    columns: tuple[ColumnImportance, ...]
    together: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        """Show the table."""
        return self.text()

    def text(self) -> str:
        """Write a line per column: the mean loss and its interval."""
        from steepest.tabular.summary import plain

        width = max(len("column"), *(len(each.column) for each in self.columns))
        word = "falls" if rises(self.metric) else "rises"
        lines = [
            f"{self.metric} {plain(self.score)} on {self.rows:,} rows; by so much it {word} when a "
            f"column is shuffled ({self.repeats} times; 95 % interval of the mean)",
            f"{'column':<{width}} {'mean':>10} {'low':>10} {'high':>10}",
        ]
        for each in self.columns:
            numbers = " ".join(f"{plain(value):>10}" for value in (each.mean, each.low, each.high))
            lines.append(f"{each.column:<{width}} {numbers}")
        return "\n".join([*lines, *self.warnings()])

    def warnings(self) -> Iterator[str]:
        """Say which columns cover for each other."""
        for names in self.together:
            yield (
                f"{', '.join(map(repr, names))} go together (rank correlation above {TOGETHER}): "
                "each covers for the others, so that each seems to matter less than they do "
                "together"
            )


def column_importances(
    model: Scored,
    source: object,
    *,
    metric: str | None = None,
    repeats: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Importances:
    r"""Permutation importance of each column of the table, not of what it is made into.

    Of column j it is :math:`I_j = \frac1R \sum_r \pm (s - s_{jr})`, with s the score on the rows as
    they are, :math:`s_{jr}` that with the column's values in a random order, and the sign such
    that a worse score is positive. The interval is :math:`I_j \pm t_{0.975, R-1}\, d_j / \sqrt R`
    with d the repeats' standard deviation: how sure the mean is about the orders drawn, not about
    other rows. Use rows that the model was not trained on: on training rows it says what was
    learnt, be it of use or not.

    Args:
        model: of a table.
        source: rows with the target, as `TableModel.evaluate` takes them.
        metric: a score that `evaluate` gives; by default log_loss or rmse.
        repeats: how often each column is shuffled, at least 2.
        seed: of the orders.
        progress: told how far it is.

    Raises:
        ConfigurationError: no such score, or fewer than two repeats.
        DataError: as `TableModel.evaluate`.

    Source: Breiman, "Random Forests" (2001), for any model as in Fisher, Rudin, Dominici, "All
    Models are Wrong, but Many are Useful" (2019). scikit-learn's `permutation_importance` is the
    same, by default of accuracy or R², and gives a standard deviation in place of the interval.

    >>> from steepest.data import bundled_table
    >>> from steepest.tabular import fit_table
    >>> table = bundled_table("iris")
    >>> fitted = fit_table(table, "target", {"training": {"max_epochs": 20}})
    >>> column_importances(fitted, table).columns[0].column.startswith("petal")
    True
    """
    if repeats < 2:
        raise ConfigurationError(f"an interval takes at least 2 repeats, not {repeats}")
    names = model.preprocessor.schema.target_names
    table, _ = drop_rows_without(model.read(source), *names)
    if len(table) < 2:
        raise DataError("importance takes at least 2 rows with a value in the target")
    actual = read_targets(table, model.preprocessor.schema.targets)
    inputs = model.preprocessor.transform(table, model.trained.network.dtype)
    head = model.head

    def scores(arrays: dict[str, NDArray[Any]]) -> dict[str, float | None]:
        outputs = model.trained.outputs(network_inputs(arrays))
        found = head.evaluate(actual, head.meaning(outputs), model.results.baseline)
        return {each.name: each.value for each in found.scores}

    plain = scores(inputs)
    chosen = _metric(metric, plain)
    before, sign = plain[chosen], 1.0 if rises(chosen) else -1.0
    assert before is not None
    found: list[ColumnImportance] = []
    places = dict.fromkeys(inputs, 0)
    for number, column in enumerate(model.preprocessor.columns):
        if progress is not None:
            progress(number, len(model.preprocessor.columns))
        own = {name: slice(at, at + column.layout.width(name)) for name, at in places.items()}
        places = {name: part.stop for name, part in own.items()}
        losses: list[float] = []
        for repeat in range(repeats):
            order = permutation(len(table), seed=seed, draw=_DRAW + number * repeats + repeat)
            after = scores(_shuffled(inputs, own, order))[chosen]
            losses.append(sign * (before - (after if after is not None else before)))
        found.append(_summed_up(column.name, losses))
    if progress is not None:
        progress(len(found), len(found))
    return Importances(
        metric=chosen,
        score=before,
        rows=len(table),
        repeats=repeats,
        columns=tuple(sorted(found, key=lambda each: -each.mean)),
        together=tuple(_together(table, [each.column for each in found])),
    )


def _metric(name: str | None, scores: dict[str, float | None]) -> str:
    defined = [each for each, value in scores.items() if value is not None]
    if name is None:
        return next(each for each in ("log_loss", "rmse", "accuracy") if each in defined)
    if name not in scores:
        raise ConfigurationError(f"there is no score {name!r} here; {nearest(name, defined)}")
    if name not in defined:
        raise ConfigurationError(f"the score {name!r} has no meaning here; take {defined[0]!r}")
    return name


def _shuffled(
    inputs: dict[str, NDArray[Any]], own: dict[str, slice], order: NDArray[np.intp]
) -> dict[str, NDArray[Any]]:
    """Arrays with what one column was made into in another order; the others are not copied."""
    changed = dict(inputs)
    for name, part in own.items():
        if part.start < part.stop:
            changed[name] = inputs[name].copy()
            changed[name][:, part] = inputs[name][order, part]
    return changed


def _summed_up(name: str, losses: Sequence[float]) -> ColumnImportance:
    mean = float(np.mean(losses))
    error = float(np.std(losses, ddof=1)) / len(losses) ** 0.5
    half = student_quantile(0.975, len(losses) - 1) * error
    return ColumnImportance(
        column=name, mean=mean, low=mean - half, high=mean + half, losses=tuple(losses)
    )


def _together(table: Table, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Groups of columns of numbers whose ranks go together, linked one by one."""
    rows = np.linspace(0, len(table) - 1, min(len(table), 100 * _MOST_COMPARED)).astype(np.intp)
    ranks: dict[str, NDArray[np.float64]] = {}
    for name in names[:_MOST_COMPARED]:
        column = table.column(name)
        if isinstance(column, NumberColumn) and not column.missing[rows].all():
            values = column.values[rows]
            found = _ranks(np.where(np.isnan(values), np.nanmedian(values), values))
            if np.ptp(found) > 0:
                ranks[name] = found
    if len(ranks) < 2 or len(rows) < 10:
        return
    varying = [*ranks]
    close = np.abs(np.corrcoef(np.stack([*ranks.values()]))) > TOGETHER
    left = set(range(len(varying)))
    while left:
        group, reached = {min(left)}, {min(left)}
        while reached:
            reached = {int(b) for a in reached for b in np.flatnonzero(close[a])} - group
            group |= reached
        left -= group
        if len(group) > 1:
            yield tuple(varying[place] for place in sorted(group))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, equal values sharing theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[place]


def student_quantile(share: float, freedom: int) -> float:
    r"""The quantile of Student's t distribution above the median.

    With :math:`t = \sqrt\nu \tan\theta` its distribution function is
    :math:`\frac12 + c \int_0^\theta \cos^{\nu-1}`, which is smooth, and solved by bisection.

    Args:
        share: from 0.5 to below 1.
        freedom: degrees of freedom, at least 1.

    >>> round(student_quantile(0.975, 9), 4)
    2.2622
    """
    points, weights = np.polynomial.legendre.leggauss(64)
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.pi**0.5

    def below(angle: float) -> float:
        cosines = np.cos((points + 1) * angle / 2)
        return 0.5 + constant * angle / 2 * float(weights @ cosines ** (freedom - 1))

    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < share else (low, middle)
    return freedom**0.5 * math.tan(low)
