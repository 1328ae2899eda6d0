"""What a table's columns mean: features, what is left out and why, and the targets.

A schema is what a fitted model keeps about its table; `infer_schema` makes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec

from steepest.data.table import Table
from steepest.errors import DataError, ModelFileError, nearest

Task = Literal["classification", "regression"]

_MOST_COLUMNS, _MOST_FEATURES = 30, 20  # of a table, and shown of a larger one


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input column.

    Attributes:
        name: of the column.
        kind: the name of one of `steepest.data.KINDS`.
        reason: why this kind.
        detail: range or levels, for a person.
        missing: how many rows of the table had no value.
        how: what the fit must know about the whole column, in words that its kind understands.
    """

    name: str
    kind: str
    reason: str
    detail: str
    missing: int
    how: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A column that is not used, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """The column to predict.

    Attributes:
        name: of the column.
        task: "classification" or "regression".
        reason: why this task.
        classes: labels as the file writes them, in order; empty for regression.
        counts: rows of each class; empty for regression.
        missing: how many rows of the table had no value.
        written: what stands before decimals where numbers are written for people.
    """

    name: str
    task: Task
    reason: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int
    written: Literal["", "point", "comma"] = ""


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Features, columns left out and the targets, each with its reason.

    Attributes:
        features: in the order of the table.
        left_out: in the order of the table.
        targets: what is predicted, in the order of the predictions: one column, or several that
            are all numbers or all labels of two classes.
    """

    features: tuple[Feature, ...]
    left_out: tuple[LeftOut, ...]
    targets: tuple[Target, ...]

    @property
    def target(self) -> Target:
        """What is predicted, where it is one column.

        Raises:
            DataError: it is several.
        """
        if len(self.targets) == 1:
            return self.targets[0]
        raise DataError(
            f"this is for one target, and there are {len(self.targets)}: "
            + ", ".join(map(repr, self.target_names))
        )

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns that are predicted."""
        return tuple(each.name for each in self.targets)

    @property
    def task(self) -> Task:
        """What all targets ask."""
        return self.targets[0].task

    def check_columns(self, table: Table) -> tuple[str, ...]:
        """Return the names of the table's columns that the schema does not know.

        Raises:
            DataError: a feature is missing; the nearest names are told.
        """
        absent = [each.name for each in self.features if each.name not in table.columns]
        known = {each.name for each in (*self.features, *self.left_out, *self.targets)}
        extra = tuple(name for name in table.names if name not in known)
        if absent:
            where = f"{table.source} has" if table.source else "the table has"
            told = ", ".join(repr(name) for name in absent[:5])
            more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
            plural = "s" if len(absent) > 1 else ""
            called = "its other columns" if extra else "its columns"
            raise DataError(
                f"{where} no column{plural} {told}{more}, which the model was trained on; "
                + nearest(absent[0], extra or table.names, called=called)
            )
        return extra

    def describe(self) -> str:
        """Write the schema as a text table for a person."""
        rows = [("column", "kind", "what it holds")]
        for feature in self.features:
            missing = f", {feature.missing} missing" if feature.missing else ""
            rows.append((feature.name, feature.kind, feature.detail + missing))
        rows += [(each.name, "left out", each.reason) for each in self.left_out]
        rows += [(each.name, "target", f"{each.task}: {each.reason}") for each in self.targets]
        widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
        widths[0] = min(widths[0], 40)
        return "\n".join(
            f"{_shortened(name, widths[0]):<{widths[0]}}  {kind:<{widths[1]}}  {text}"
            for name, kind, text in rows
        )

    def describe_briefly(self) -> str:
        """Write it on a screen: of more than 30 columns the first 20 features, not each.

        The columns left out are all named, those with one reason in one line.
        """
        if len(self.features) + len(self.left_out) + len(self.targets) <= _MOST_COLUMNS:
            return self.describe()
        shown = Schema(features=self.features[:_MOST_FEATURES], left_out=(), targets=self.targets)
        described = shown.describe().splitlines()
        lines, targets = described[: -len(self.targets)], described[-len(self.targets) :]
        hidden = len(self.features) - _MOST_FEATURES
        if hidden > 0:
            lines.append(f"… {hidden} more; 'steepest inspect' of the model shows all")
        groups: dict[str, list[str]] = {}
        for each in self.left_out:
            groups.setdefault(each.reason.partition(" (")[0], []).append(each.name)
        lines += [f"left out, {reason}: {', '.join(names)}" for reason, names in groups.items()]
        return "\n".join([*lines, *targets])

    def to_json(self) -> dict[str, Any]:
        """Give plain dicts, lists, numbers and strings."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Rebuild what `to_json` gave.

        Raises:
            ModelFileError: the data do not describe a schema.
        """
        try:
            # Files of the first format have one target only.
            targets = data["targets"] if "targets" in data else [data["target"]]
            written = {name: data[name] for name in ("features", "left_out")}
            schema = msgspec.convert({**written, "targets": targets}, cls)
            _check_targets(schema.targets)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the schema in this file cannot be read: {error!r}") from None
        return schema


def _check_targets(targets: Sequence[Target]) -> None:
    """What code relies on, of what stood in a file.

    Raises:
        ValueError: says what is wrong.
    """
    if not targets or any(each.task != targets[0].task for each in targets):
        raise ValueError("targets of one task are needed")
    for each in targets:
        many = len(each.classes)
        is_possible = many >= 2 if each.task == "classification" else many == 0
        if not is_possible or len(each.counts) != many or len({*each.classes}) < many:
            raise ValueError(f"the classes of {each.name!r} cannot be")
        if len(targets) > 1 and many > 2:
            raise ValueError(f"{each.name!r} is one of several targets, and has {many} classes")


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
