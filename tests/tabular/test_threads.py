"""How many threads NumPy's products get: one, where the reference multiplies small matrices."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import steepest as st
from steepest.tabular.threads import suitable_threads
from steepest.transform.executable import Backend

SMALL, LARGE = 10, 10_000_000


@pytest.mark.parametrize(
    ("batch", "backend", "limited"),
    [
        (SMALL, "reference", True),
        (LARGE, "reference", False),
        (SMALL, "native", False),
        (LARGE, "native", False),
    ],
)
def test_only_small_products_of_the_reference_are_kept_on_one_thread(
    batch: int, backend: Backend, limited: bool
) -> None:
    with threadpool_limits(2, user_api="blas"):
        with suitable_threads(st.nn.Linear(3, 4), batch, backend):
            assert threads() == {1 if limited else 2}
        assert threads() == {2}


def threads() -> set[int]:
    """How many the libraries that multiply use."""
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}
