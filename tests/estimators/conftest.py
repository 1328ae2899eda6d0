"""Estimators whose networks are interpreted, for what has nothing to do with machine code."""

from collections.abc import Iterator
from functools import partial

import pytest

from steepest.estimators import estimator
from steepest.tabular.prepared import prepare_table


def _interpreted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimator, "prepare_table", partial(prepare_table, backend="reference"))
        yield


# Compiling takes longer than a small fit.
interpreted = pytest.fixture(_interpreted, name="interpreted")
interpreted_throughout = pytest.fixture(_interpreted, scope="module", name="interpreted_throughout")
