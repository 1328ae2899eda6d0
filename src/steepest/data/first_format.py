"""The preprocessing of model files before columns had kinds of their own (versions 0.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def columns_of_format_1(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write numeric and categorical features, which stood in two lists, in the table's order.

    Args:
        data: the preprocessing as such a file has it.
    """
    numeric = {
        each["name"]: {**each, "kind": "numeric", "scaling": data["scaling"]}
        for each in data["numeric"]
    }
    categorical = {each["name"]: {**each, "kind": "categorical"} for each in data["categorical"]}
    found = {**numeric, **categorical}
    return [found[feature["name"]] for feature in data["schema"]["features"]]


def order_of_format_1(data: Mapping[str, Any]) -> NDArray[np.intp]:
    """Find where each column of "numeric" stood in such a file: numbers, indicators, one-hot ones.

    Args:
        data: the preprocessing as such a file has it.

    Returns:
        For each numeric column of now its place then.
    """
    places: dict[str, list[int]] = {}
    count = 0
    for each in data["numeric"]:
        places[each["name"]] = [count]
        count += 1
    for each in data["numeric"]:
        if each["indicator"]:
            places[each["name"]].append(count)
            count += 1
    for each in data["categorical"]:
        size = (len(each["levels"]) + each["missing"]) if each["one_hot"] else 0
        places[each["name"]] = list(range(count, count + size))
        count += size
    names = [feature["name"] for feature in data["schema"]["features"]]
    return np.array([place for name in names for place in places[name]], dtype=np.intp)
