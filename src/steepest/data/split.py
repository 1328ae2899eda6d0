"""Split rows into training, validation and test parts, by a seed and, for classes, by share.

>>> parts = split(10, validation=0.2, test=0.1, seed=0)
>>> len(parts.train), len(parts.validation), len(parts.test)
(7, 2, 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.errors import ConfigurationError, DataError
from steepest.tensor.random import permutation

Rows = NDArray[np.intp]

# Draws of permutations below this are for epochs of training, under the same seed.
_FIRST_DRAW = 2**31


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of each part, ascending; together they are all rows, each once."""

    train: Rows
    validation: Rows
    test: Rows


def split(
    rows: int,
    *,
    validation: float = 0.1,
    test: float = 0.0,
    seed: int = 0,
    stratify: ArrayLike | None = None,
) -> Split:
    """Draw a test part, then a validation part, from all rows; the rest is for training.

    Each part has round(fraction · rows) rows. The test part depends on its own fraction and the
    seed only, so that changing the validation fraction does not change it.

    Args:
        rows: how many there are.
        validation: share of all rows, 0 ≤ validation < 1; 0 for none.
        test: share of all rows, 0 ≤ test < 1; 0 for none.
        seed: of the draw.
        stratify: the class of each row, shape (rows,): each part then has each class by its share,
            as near as whole rows allow, and each class keeps a row for training.

    Raises:
        ConfigurationError: fractions that leave nothing for training.
        DataError: fewer rows than the parts need.
    """
    check_shares(validation=validation, test=test)
    if rows == 0:
        raise DataError("there are no rows to split")
    groups = _groups(rows, stratify)
    spare = rows - len(groups)  # one row of each class stays for training
    sizes = {"test": round(test * rows), "validation": round(validation * rows)}
    for name, fraction in (("test", test), ("validation", validation)):
        if fraction > 0 and sizes[name] == 0:
            raise DataError(
                f"{rows} rows are too few for a {name} part of {fraction:g}: it would be empty; "
                f"at least {0.5 // fraction + 1:.0f} rows are needed, or a larger fraction"
            )
    if sum(sizes.values()) > spare:
        kept = "one row of each class" if stratify is not None else "one row"
        raise DataError(
            f"{rows} rows are too few for validation {sizes['validation']} and test "
            f"{sizes['test']} rows, because training keeps {kept} ({len(groups)}); use smaller "
            "fractions or more rows"
        )
    drawn: dict[str, Rows] = {}
    for stream, (name, size) in enumerate(sizes.items()):
        drawn[name], groups = _draw(groups, size, seed, stream)
    train = np.sort(np.concatenate(groups))
    return Split(train=train, validation=drawn["validation"], test=drawn["test"])


def check_shares(*, validation: float, test: float) -> None:
    """Refuse shares of the rows that leave nothing for training.

    Raises:
        ConfigurationError: names the share.
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0.0 <= fraction < 1.0:
            raise ConfigurationError(f"{name} must be at least 0 and less than 1, not {fraction}")
    if validation + test >= 1.0:
        raise ConfigurationError(
            f"validation {validation} and test {test} leave nothing for training; together they "
            "must be less than 1"
        )


def _groups(rows: int, stratify: ArrayLike | None) -> list[Rows]:
    if stratify is None:
        return [np.arange(rows)]
    labels = np.asarray(stratify)
    if labels.shape != (rows,):
        raise DataError(f"stratify has shape {labels.shape} where there are {rows} rows")
    _, codes = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(codes == code) for code in range(int(codes.max(initial=-1)) + 1)]


def _draw(groups: list[Rows], size: int, seed: int, stream: int) -> tuple[Rows, list[Rows]]:
    """Draw `size` rows from the groups by their shares; return them and what is left."""
    total = sum(len(group) for group in groups)
    order = np.empty(max((int(group.max()) for group in groups), default=-1) + 1, dtype=np.intp)
    order[permutation(len(order), seed=seed, draw=_FIRST_DRAW + stream)] = np.arange(len(order))
    taken: list[Rows] = []
    left: list[Rows] = []
    for group, count in zip(groups, _shares([len(g) for g in groups], size, total), strict=True):
        shuffled = group[np.argsort(order[group], kind="stable")]
        taken.append(shuffled[:count])
        left.append(np.sort(shuffled[count:]))
    return np.sort(np.concatenate(taken)) if taken else np.empty(0, np.intp), left


def _shares(sizes: list[int], size: int, total: int) -> list[int]:
    """Cut `size` into whole shares by the largest remainders, leaving one row of each group."""
    exact = [size * each / total for each in sizes]
    shares = [int(share) for share in exact]  # less than each: size + groups ≤ total

    def turn(place: int) -> tuple[float, int, int]:
        return shares[place] - exact[place], -sizes[place], place

    turns = [turn(place) for place, each in enumerate(sizes) if shares[place] < each - 1]
    heapify(turns)
    for _ in range(size - sum(shares)):
        *_, place = heappop(turns)
        shares[place] += 1
        if shares[place] < sizes[place] - 1:
            heappush(turns, turn(place))
    return shares
