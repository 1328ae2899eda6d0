"""What a search has found, for people: in lines, as a picture; and a space as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from steepest.cli.outputs import stem
from steepest.tabular.options import Plain, toml_value
from steepest.tabular.summary import plain

if TYPE_CHECKING:
    from steepest.report.importance import Searched
    from steepest.tabular.search import SearchResult, Space, Trial

_MOST_IMPORTANT = 3


def searched_lines(found: SearchResult) -> Iterator[str]:
    """How many trials there were, and which options mattered most."""
    states = [trial.state for trial in found.trials]
    counts = [f"{states.count(state)} {state}" for state in ("pruned", "failed") if state in states]
    yield f"{len(states)} trials" + (f", {', '.join(counts)}" if counts else "")
    shares = found.importances()
    if shares:
        most = [*shares.items()][:_MOST_IMPORTANT]
        yield "mattered: " + ", ".join(f"{name} {share:.0%}" for name, share in most)


def best_lines(found: SearchResult) -> Iterator[str]:
    """The best trial's value and options."""
    best = found.best
    yield f"best: trial {best.number}, {found.metric} {plain(best.value)}"
    for name, value in best.options.items():
        yield f"  {name} = {_shown(value)}"


def scores_lines(found: SearchResult) -> Iterator[str]:
    """What the best options' network scores on the rows it was judged by, and on those unseen."""
    results = found.model.results
    for part, evaluation in (("validation", results.validation), ("test", results.test)):
        if evaluation is None:
            continue
        score = next(each for each in evaluation.scores if each.name == found.metric)
        yield (
            f"{part:<10} {score.name} {plain(score.value)}  "
            f"baseline {plain(score.baseline)}  {evaluation.rows:,} rows"
            + (", never seen by the search" if part == "test" else "")
        )
    if results.test is None:
        yield "no rows were kept that the search never saw: the value above is too good; --test 0.2"


def importance_picture(found: SearchResult, table: str) -> Callable[[Path], bytes] | None:
    """A function of the file's name to its content; None when no trial came to its end."""
    from steepest.report import draw_importance, picture_format

    complete = [trial for trial in found.trials if trial.value is not None]
    shares = found.importances()

    def draw(path: Path) -> bytes:
        return draw_importance(
            _searched(found, complete, shares),
            [trial.value for trial in complete if trial.value is not None],
            metric=found.metric,
            rising=found.rising,
            title=f"{stem(table)}: {len(complete)} trials",
            format=picture_format(path),
        )

    return draw if complete else None


def _searched(
    found: SearchResult, complete: list[Trial], shares: Mapping[str, float]
) -> list[Searched]:
    from steepest.report.importance import Searched, by_share
    from steepest.tabular.search import Choice, Range

    dimensions = found.space.dimensions
    options: list[Searched] = []
    for name in by_share(shares, [*dimensions]):
        dimension, drawn = dimensions[name], [trial.options[name] for trial in complete]
        is_choice = isinstance(dimension, Choice)
        options.append(
            Searched(
                name="optimizer" if name == "optimizer.name" else name.partition(".")[2],
                values=[_shown(value) for value in drawn] if is_choice else cast("Any", drawn),
                log=isinstance(dimension, Range) and dimension.log,
                ends=(dimension.low, dimension.high) if isinstance(dimension, Range) else (0, 1),
                choices=[_shown(value) for value in dimension.points] if is_choice else (),
                share=shares.get(name),
            )
        )
    return options


def space_toml(space: Space) -> str:
    """A space as a file that `--space` takes.

    >>> from steepest.tabular.search import DEFAULT_SPACE
    >>> print(space_toml(DEFAULT_SPACE))
    [network]
    layers = { low = 1, high = 4 }
    ...
    """
    sections: dict[str, list[str]] = {}
    for name, value in space.plain.items():
        section, _, leaf = name.partition(".")
        sections.setdefault(section, []).append(f"{leaf} = {toml_value(value)}")
    return "\n".join(
        "".join(f"{line}\n" for line in [f"[{section}]", *lines])
        for section, lines in sections.items()
    )


def _shown(value: Plain) -> str:
    return value if isinstance(value, str) else json.dumps(value)
