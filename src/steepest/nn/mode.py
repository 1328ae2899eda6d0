"""Whether a network is being trained, used or sampled: a mode of the current thread or task."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

from steepest.tensor.modes import TRACED_MODES

Mode: TypeAlias = Literal["training", "sampling", "use"]

_mode: ContextVar[Mode] = ContextVar("mode", default="use")

TRACED_MODES["mode of networks"] = _mode.get


def is_training() -> bool:
    """Whether a batch may change the network, and judge by itself: read when it is traced."""
    return _mode.get() == "training"


def is_dropping() -> bool:
    """Whether Dropout and its kin draw masks: in training and in sampling.

    >>> import steepest as st
    >>> with st.nn.sampling():
    ...     st.nn.is_dropping(), st.nn.is_training()
    (True, False)
    """
    return _mode.get() != "use"


@contextmanager
def _within(mode: Mode) -> Generator[None]:
    token = _mode.set(mode)
    try:
        yield
    finally:
        _mode.reset(token)


@contextmanager
def training() -> Generator[None]:
    """Within this block layers behave as in training: Dropout drops, BatchNorm takes the batch's.

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
    with _within("training"):
        yield


@contextmanager
def sampling() -> Generator[None]:
    """Within this block Dropout drops as in training, and all else behaves as in use.

    A call is then one draw of Monte-Carlo dropout: BatchNorm keeps to its running statistics, so
    that a row's prediction does not depend on the rows beside it. See
    :func:`steepest.sample_predictions`.

    >>> import steepest as st
    >>> with st.nn.sampling(), st.random.stream(0):
    ...     sorted(set(st.nn.Dropout(0.5)(st.ones((100,))).tolist()))
    [0.0, 2.0]
    """
    with _within("sampling"):
        yield


@contextmanager
def evaluating() -> Generator[None]:
    """Within this block layers behave as in use, also inside of :func:`training`.

    >>> import steepest as st
    >>> with st.nn.training(), st.nn.evaluating():
    ...     st.nn.is_training()
    False
    """
    with _within("use"):
        yield
