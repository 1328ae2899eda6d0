"""What a search is about, read and checked before the first trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, final

import msgspec
from msgspec import Struct

from steepest.data import holds_images, kept_as_text, possible_targets, read_table
from steepest.errors import ConfigurationError, nearest
from steepest.tabular.configuration import Configuration
from steepest.tabular.evaluate import score_names
from steepest.tabular.evaluate_several import several_score_names
from steepest.tabular.options import Plain, from_plain, to_plain
from steepest.tabular.parts import Parts, check_target_is_named, read_options
from steepest.tabular.prepare import prepare
from steepest.tabular.resolved import automatic_epochs, resolve
from steepest.tabular.scores import rises
from steepest.tabular.search.fingerprint import Fingerprint, digest
from steepest.tabular.search.folds import folds
from steepest.tabular.search.layouts import LAYOUTS, Layout
from steepest.tabular.search.space import Drawn, Space

_TEST = 0.2
_BATCH = "training.batch_size"
_DEFAULT_METRIC = {"classification": "log_loss", "regression": "rmse"}


@final
class Problem(Struct, frozen=True, kw_only=True):
    """A table in its parts, what is searched, and by what it is judged.

    Attributes:
        kept: the parts that the best trial is fitted to again.
        judged: the parts that a trial is fitted to: one, or as many as there are folds.
        layout: which points of the space are tried.
        metric: the score's name.
    """

    kept: Parts
    judged: tuple[Parts, ...]
    layout: Layout
    metric: str
    fingerprint: Fingerprint

    @property
    def rising(self) -> bool:
        """Whether more of the metric is better."""
        return rises(self.metric)

    @property
    def most_epochs(self) -> int:
        """What a trial takes, unless its options say otherwise."""
        given = self.kept.configuration.training.max_epochs
        rows = len(self.kept.training)
        return automatic_epochs(self.kept.schema.task, rows) if given == "auto" else given

    def configuration(self, drawn: Mapping[str, Plain]) -> Configuration:
        """All options of a trial; a drawn batch that is larger than all rows is all rows."""
        space = self.layout.space
        found = from_plain(space.applied(to_plain(self.kept.configuration), drawn))
        size, rows = found.training.batch_size, min(len(each.training) for each in self.judged)
        if size == "auto" or size <= rows or _BATCH not in space.plain:
            return found
        training = msgspec.structs.replace(found.training, batch_size=rows)
        return msgspec.structs.replace(found, training=training)


def problem_of(
    source: object,
    configuration: Mapping[str, Any],
    space: Space,
    *,
    sampler: str,
    trials: int | None,
    metric: str | None,
    cv: int | None,
    validation: object | None,
    test: object | None,
) -> Problem:
    """Check everything, read the table, and set the rows apart.

    Raises:
        ConfigurationError: an option, a space or a combination that makes no sense.
        DataError: the table cannot be used.
    """
    base = from_plain(_with_test(configuration))
    if trials is not None and trials < 1:
        raise ConfigurationError(f"a search takes at least 1 trial, not {trials}")
    if cv is not None and cv < 2:
        raise ConfigurationError(f"cross-validation takes at least 2 folds, not {cv}")
    if cv is not None and validation is not None:
        raise ConfigurationError("--cv judges by folds of the table: leave out --validation FILE")
    if cv is None and validation is None and not base.data.validation:
        raise ConfigurationError(
            "no rows are left to judge a trial by: give --validation 0.1, say, or --cv 5"
        )
    if base.data.memory:
        raise ConfigurationError(
            "--memory is for a fit; a search tries its options on rows in memory: give it a part "
            "of the table, and fit with what it found"
        )
    layout = LAYOUTS.find(sampler)(space, base.training.seed, trials)
    check_space(space, to_plain(base))
    if isinstance(source, str | Path) and source != "-" and holds_images(Path(source)):
        raise ConfigurationError(
            f"{source} holds images, and a search is for tables; fit takes them"
        )
    labels = kept_as_text(base.data.types)
    check_target_is_named(base.data)
    table = read_table(
        source, read_options(base.data), text_columns=[*labels, *possible_targets(base.data.target)]
    )
    kept = prepare(table, base, validation=validation, test=test)
    chosen = _metric(metric, kept)
    judged = _judged(table, base, kept, cv, test)
    if _BATCH not in space.plain:
        resolve(base, kept.schema.task, min(len(each.training) for each in judged))
    return Problem(
        kept=kept,
        judged=judged,
        layout=layout,
        metric=chosen,
        fingerprint=Fingerprint(
            rows=sum(len(part or ()) for part in (kept.training, kept.validation, kept.test)),
            table=digest(kept.training, kept.validation, kept.test),
            target=", ".join(kept.schema.target_names),
            metric=chosen,
            folds=cv or 1,
            sampler=sampler,
            options=_flat(to_plain(base), space),
            space=space.plain,
        ),
    )


def check_space(space: Space, base: Mapping[str, Plain]) -> None:
    """Refuse a value that its option does not take, alone or beside another's choice.

    Raises:
        ConfigurationError: names the option.
    """
    firsts: Drawn = {name: each.ends[0] for name, each in space.dimensions.items()}
    for name, each in space.dimensions.items():
        for end in each.ends:
            try:
                from_plain(space.applied(base, {**firsts, name: end}))
            except ConfigurationError as error:
                raise ConfigurationError(f"the space: {error}") from None


def _with_test(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A fifth of the rows is for the honest test, unless it is said otherwise."""
    data = configuration.get("data", {})
    if not isinstance(data, Mapping) or "test" in data:
        return {**configuration}
    return {**configuration, "data": {**cast("Mapping[str, Any]", data), "test": _TEST}}


def _judged(
    table: object, base: Configuration, kept: Parts, cv: int | None, test: object | None
) -> tuple[Parts, ...]:
    if cv is None:
        return (msgspec.structs.replace(kept, test=None),)
    data = msgspec.structs.replace(base.data, validation=0.0)
    every = prepare(table, msgspec.structs.replace(base, data=data), test=test)
    return tuple(folds(every, cv))


def _metric(name: str | None, parts: Parts) -> str:
    schema = parts.schema
    if name is None:
        return _DEFAULT_METRIC[schema.task]
    names = (
        score_names(schema.task, schema.target.classes)
        if len(schema.targets) == 1
        else several_score_names(schema.task, schema.target_names)
    )
    if name not in names:
        raise ConfigurationError(
            f"there is no metric {name!r} for {schema.task}; {nearest(name, names)}"
        )
    return name


def _flat(plain: Mapping[str, Plain], space: Space) -> dict[str, Plain]:
    """Options by name, but those that the space decides."""
    flat = {
        f"{section}.{leaf}": value
        for section, values in plain.items()
        for leaf, value in cast("dict[str, Plain]", values).items()
    }
    return {name: value for name, value in flat.items() if name not in space.plain}
