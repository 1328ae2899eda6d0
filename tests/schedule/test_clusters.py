"""Which cluster waits for which, beside a search through everything."""

import numpy as np
import pytest

from steepest.schedule.clusters import Cluster


def reached(number: int, waits_for: dict[int, set[int]]) -> set[int]:
    found = {number}
    for each in waits_for[number]:
        found |= reached(each, waits_for)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_needs_is_what_can_be_reached_in_whatever_order_edges_come(seed: int) -> None:
    random = np.random.default_rng([31, seed])
    clusters = [Cluster(number, "pointwise", ()) for number in range(12)]
    rank = random.permutation(12)  # so that numbers say nothing of the order
    waits_for: dict[int, set[int]] = {number: set() for number in range(12)}
    for _ in range(18):
        late, early = sorted(random.choice(12, 2, replace=False), key=lambda n: -rank[n])
        clusters[late].wait_for(clusters[early])
        waits_for[late].add(early)
        for number, cluster in enumerate(clusters):
            needed = {n for n, other in enumerate(clusters) if cluster.needs(other)}
            assert needed == reached(number, waits_for)
            assert all(cluster.level > each.level for each in cluster.before)


def test_a_cluster_that_waits_for_itself_is_an_error() -> None:
    a, b, c = (Cluster(number, "pointwise", ()) for number in range(3))
    b.wait_for(a)
    c.wait_for(b)
    with pytest.raises(AssertionError, match="waits for itself"):
        a.wait_for(c)
