"""Whether a network is being trained or used: a mode of the current thread or task."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from steepest.tensor.modes import TRACED_MODES

_training: ContextVar[bool] = ContextVar("training", default=False)


def is_training() -> bool:
    """Whether layers such as Dropout behave as in training; read when a function is traced."""
    return _training.get()


TRACED_MODES["training"] = is_training


@contextmanager
def training() -> Generator[None]:
    """Within this block layers behave as in training: Dropout drops.

    The Trainer does this by itself; a training loop written by hand says it. Differs from PyTorch,
    where a model trains until ``model.eval()`` is called: here a model that is merely called
    predicts.

    >>> import steepest as st
    >>> with st.nn.training():
    ...     st.nn.is_training()
    True
    >>> st.nn.is_training()
    False
    """
    token = _training.set(True)
    try:
        yield
    finally:
        _training.reset(token)


@contextmanager
def evaluating() -> Generator[None]:
    """Within this block layers behave as in use, also inside of :func:`training`.

    >>> import steepest as st
    >>> with st.nn.training(), st.nn.evaluating():
    ...     st.nn.is_training()
    False
    """
    token = _training.set(False)
    try:
        yield
    finally:
        _training.reset(token)
