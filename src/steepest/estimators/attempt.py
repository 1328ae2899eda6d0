"""A fit that fails leaves an estimator as it was, and speaks of its parameters."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from steepest.errors import ConfigurationError
from steepest.estimators.words import in_words


@contextmanager
def attempt(estimator: object) -> Generator[None]:
    """Around a fit: its attributes are all of one fit, the new one or the one before.

    Args:
        estimator: whose attributes are set inside.

    Raises:
        ConfigurationError: as inside, with the estimator's parameters in place of options.
    """
    before = {**vars(estimator)}
    try:
        yield
    except BaseException as error:
        vars(estimator).clear()
        vars(estimator).update(before)
        if isinstance(error, ConfigurationError):
            raise ConfigurationError(in_words(str(error))) from None
        raise
