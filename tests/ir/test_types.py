"""Types, shapes and axes; and the error class and line an error carries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays_of

import steepest as st
from steepest import errors
from steepest.errors import DTypeError, ShapeError, SteepestError, nearest
from steepest.ir.origin import Origin, origin
from steepest.ir.types import (
    TensorType,
    broadcast,
    dtype_of,
    float32,
    normalise_axes,
    normalise_axis,
    promote,
    type_of,
)

SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


def test_how_a_type_is_written() -> None:
    assert str(TensorType((2, 3), float32)) == "float32[2, 3]"
    assert str(TensorType((), float32)) == "float32[]"
    assert TensorType((2, 0, 3), float32).size == 0
    assert type_of(np.ones((2, 3))) == TensorType((2, 3), np.dtype("float64"))


@given(SHAPES, SHAPES)
def test_broadcast_is_numpys(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ShapeError, match="from the right, extents must be equal or 1"):
            broadcast(first, second)
    else:
        assert broadcast(first, second) == expected


def test_axes() -> None:
    assert normalise_axis(-1, 3) == 2
    assert normalise_axes(None, 2) == (0, 1)
    assert normalise_axes((-1, 0), 3) == (0, 2)
    assert normalise_axes(1, 2) == (1,)
    for axis in (3, -4):
        with pytest.raises(ShapeError, match=rf"there is no axis {axis}: .*axes -3 to 2"):
            normalise_axis(axis, 3)
    with pytest.raises(ShapeError, match="one axis twice"):
        normalise_axes((1, -1), 2)


def test_element_types() -> None:
    assert dtype_of("float32") == float32
    assert dtype_of(float) == np.dtype("float64")
    for name in ("float16", "complex128", "U1", "datetime64[s]", "nonsense"):
        with pytest.raises(DTypeError, match=f"no element type '{name}' here".replace("[", r"\[")):
            dtype_of(name)
    assert promote(float32) == float32


def test_errors_are_what_python_would_raise_and_ours() -> None:
    kinds = {
        errors.ShapeError: ValueError,
        errors.DTypeError: TypeError,
        errors.GradientError: RuntimeError,
        errors.TraceError: TypeError,
        errors.DataError: ValueError,
        errors.ConfigurationError: ValueError,
        errors.ModelFileError: ValueError,
        errors.TrainingError: RuntimeError,
    }
    for ours, pythons in kinds.items():
        assert issubclass(ours, SteepestError)
        assert issubclass(ours, pythons)


def test_an_error_is_explained_once_by_the_innermost_op() -> None:
    with pytest.raises(ShapeError) as caught:
        st.grad(lambda x: st.sum(st.softmax(x + st.ones((3,)))))(st.ones((2,)))
    text = str(caught.value)
    assert text.startswith("add(float32[2], float32[3]): ")
    assert text.count("  at line") == 1
    assert "test_types.py" in text


def test_the_line_of_an_error_is_the_users_also_within_a_lambda_in_another_line() -> None:
    scale = st.ones((3,))
    wrong = lambda x: x * scale  # noqa: E731
    with pytest.raises(ShapeError, match=r"test_types\.py: wrong = lambda x: x \* scale"):
        st.vmap(wrong)(st.ones((2, 2)))


def test_where_a_line_is() -> None:
    here = origin()
    assert here is not None
    assert here.file == __file__
    assert str(here).endswith("test_types.py: here = origin()")
    assert str(Origin("nowhere.py", 3)) == "line 3 of nowhere.py"


def test_nearest_names() -> None:
    assert nearest("relo", ["relu", "tanh"]) == "did you mean 'relu'?"
    assert nearest("zzz", ["relu", "tanh"]) == "valid: 'relu', 'tanh'"
