"""The networks that are timed, and how their operations are counted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from steepest.bench.workloads import WORKLOADS, Workload


def test_the_operations_are_those_of_the_products() -> None:
    # Two layers: x·W forward, and for each layer its weights' gradient; the first one's input has
    # none. 2 operations for each product of two numbers.
    workload = Workload("two", (3, 5, 2), 7, "adam", 1)
    forward = 2 * 7 * (3 * 5 + 5 * 2)
    assert workload.operations == forward + forward + 2 * 7 * 5 * 2


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda each: each.name)
def test_each_row_is_in_one_batch_of_an_epoch(workload: Workload) -> None:
    x, y, rows = workload.data()
    assert x.shape == (workload.rows, workload.sizes[0])
    assert x.dtype == np.float32
    assert y.shape == (workload.rows,)
    assert rows.shape == (workload.batches, workload.batch)
    np.testing.assert_array_equal(np.sort(rows, axis=None), np.arange(workload.rows))


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda each: each.name)
def test_a_document_says_all(workload: Workload) -> None:
    document = workload.document()
    assert Workload(**document) == workload
    assert len(list(pairwise(document["sizes"]))) == len(workload.sizes) - 1
