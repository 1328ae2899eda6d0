"""scikit-learn's own checks of X, y and weights, whose types it states in part."""

from __future__ import annotations

from typing import Any

from sklearn.utils import validation

_validation: Any = validation
check_array = _validation.check_array
check_is_fitted = _validation.check_is_fitted
check_sample_weight = _validation._check_sample_weight
column_or_1d = _validation.column_or_1d
validate_data = _validation.validate_data
