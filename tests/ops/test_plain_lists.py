"""A beginner's list in place of a Tensor is explained, wherever it is given."""

import pytest

import steepest as st
from steepest.errors import DTypeError

ONE_ARGUMENT = (
    *("sum", "mean", "max", "min", "var", "std", "prod", "all", "any", "count_nonzero"),
    *("argmax", "argmin", "argsort", "sort", "cumulative_sum", "cumulative_prod", "diff"),
    *("softmax", "log_softmax", "logsumexp", "softplus", "norm", "exp", "relu", "flip"),
    *("matrix_transpose", "expand_dims"),
)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_a_list_is_no_tensor(name: str) -> None:
    with pytest.raises(DTypeError, match=r"it takes Tensors, not list; wrap it in st\.tensor"):
        getattr(st, name)([1.0, 2.0])


def test_a_list_beside_other_arguments_is_no_tensor() -> None:
    calls = [
        lambda: st.reshape([1.0, 2.0], (2, 1)),  # pyright: ignore
        lambda: st.take([1.0, 2.0], st.tensor([0])),  # pyright: ignore
        lambda: st.matmul([1.0], [2.0]),  # pyright: ignore
        lambda: st.astype([1.0], st.float64),  # pyright: ignore
        lambda: st.moveaxis([[1.0]], 0, 1),  # pyright: ignore
        lambda: st.permute_dims([[1.0]], (1, 0)),  # pyright: ignore
        lambda: st.take_along_axis([1.0], st.tensor([0])),  # pyright: ignore
        lambda: st.squeeze([[1.0]], 0),  # pyright: ignore
    ]
    for call in calls:
        with pytest.raises(DTypeError, match="it takes Tensors, not list"):
            call()
