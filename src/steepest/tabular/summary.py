"""A fitted model described for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from steepest.data import Preprocessor
from steepest.nn import Ensemble, Module
from steepest.tabular.configuration import Configuration
from steepest.tabular.driving import is_driven
from steepest.tabular.heads import head_of
from steepest.tabular.network import network_weights
from steepest.tabular.options import to_toml
from steepest.tabular.resolved import explicit
from steepest.tabular.results import Results

_UNSHOWN = ("epoch", "step", "penalty", "learning_rate", "seconds", "evaluations")


def summarise(
    configuration: Configuration, preprocessor: Preprocessor, network: Module, results: Results
) -> str:
    """Write task, training, scores, layers, schema and options, each under its heading."""
    one = network.members[0] if isinstance(network, Ensemble) else network
    sections = {
        "model": _overview(configuration, preprocessor, network, results),
        "results": results_lines(results),
        "layers": one.summary().splitlines(),
        "schema": preprocessor.schema.describe().splitlines(),
        "options": to_toml(configuration).splitlines(),
    }
    return under_headings(sections)


def under_headings(sections: Mapping[str, Iterable[str]]) -> str:
    """Write each section's lines under its heading.

    >>> print(under_headings({"model": ["a line", "another"]}))
    model
      a line
      another
    """
    return "\n\n".join(
        "\n".join([heading, *(f"  {line}".rstrip() for line in lines)])
        for heading, lines in sections.items()
    )


def first_scores(results: Results) -> list[str]:
    """The first score of the test rows, else of the validation rows, and its baseline."""
    for name, found in (("test", results.test), ("validation", results.validation)):
        if found is not None:
            score = found.first
            return [
                f"{name} {score.name} {plain(score.value)}",
                f"baseline {plain(score.baseline)}",
            ]
    return []


def results_lines(results: Results) -> list[str]:
    """Write the first score of each part beside its baseline, and the cost where mistakes have one.

    One line a part: `validation accuracy 0.9333  baseline 0.3333  15 rows`.
    """
    parts = [("validation", results.validation), ("test", results.test)]
    lines: list[str] = []
    for name, evaluation in parts:
        if evaluation is not None:
            score = evaluation.first
            lines.append(
                f"{name:<10} {score.name} {plain(score.value)}  "
                f"baseline {plain(score.baseline)}  {evaluation.rows:,} rows"
            )
            lines += [
                f"           cost {plain(each.value)}  baseline {plain(each.baseline)}"
                for each in evaluation.scores
                if each.name == "cost"
            ]
    if results.new_test is not None:
        score, count = results.new_test.first, results.repeated_test_rows
        rows = "1 test row" if count == 1 else f"{count:,} test rows"
        lines.append(
            f"           {score.name} {plain(score.value)} without the {rows} that training has too"
        )
    if results.decision is not None:
        lines += results.decision.lines()
    return lines or ["no rows were kept for validation or test"]


def plain(value: float | None) -> str:
    """Write a number with about five digits and no exponent.

    >>> plain(0.853412), plain(51234.567), plain(None)
    ('0.85341', '51235', '-')
    """
    if value is None:
        return "-"
    size = abs(value)
    decimals = 5 if size <= 1 else 4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 0
    return f"{value:.{decimals}f}"


def figures(row: Mapping[str, float]) -> str:
    """Write an epoch's losses and metrics in one line.

    >>> figures({"epoch": 1, "loss": 0.51234, "validation_loss": 0.5, "validation_accuracy": 0.75})
    'loss 0.51234  validation loss 0.50000  validation accuracy 0.75000'
    """
    validated = "validation_loss" in row
    shown = {
        name: value
        for name, value in row.items()
        if name not in _UNSHOWN and (name == "loss" or name.startswith("validation_") == validated)
    }
    return "  ".join(f"{name.replace('_', ' ')} {plain(value)}" for name, value in shown.items())


def ending(results: Results) -> str:
    """Say in a sentence how training ended."""
    if results.members:
        return _ending_of_members(results)
    kept = f"kept epoch {results.best_epoch}" if results.best_epoch else "kept the last weights"
    epochs = "1 epoch" if results.epochs == 1 else f"{results.epochs} epochs"
    return f"{epochs}, {results.stopped}; {kept}"


def _ending_of_members(results: Results) -> str:
    """8 members, 14 to 20 epochs, early stopping; each kept its best epoch."""
    counts = [each.epochs for each in results.members if each.epochs] or [0]
    low, high = min(counts), max(counts)
    epochs = f"{high} epoch{'s' * (high != 1)}" if low == high else f"{low} to {high} epochs"
    kept = "each kept its best epoch" if results.validation_rows else "the last weights were kept"
    left = len(results.members) - results.networks
    out = f"; {left} left out" if left else ""
    return f"{len(results.members)} members, {epochs}, {results.stopped}; {kept}{out}"


def _overview(
    configuration: Configuration, preprocessor: Preprocessor, network: Module, results: Results
) -> Iterator[str]:
    targets, options, resolved = (
        preprocessor.schema.targets,
        configuration.network,
        results.resolved,
    )
    counts = {
        "input": len(preprocessor.numeric_names),
        "embedding": len(preprocessor.levels),
        "text": len(preprocessor.bags),
    }
    told = [f"{count} {what}{'s' * (count > 1)}" for what, count in counts.items() if count]
    start = " + ".join(told)
    hidden = [
        f"{size} {options.activation}" for size in explicit(options, resolved).hidden_layer_sizes
    ]
    outputs = head_of(preprocessor, configuration).described
    weights = sum(array.size for array in network_weights(network).values())
    for target in targets:
        yield f"predicts  {target.name} ({target.task}: {target.reason})"
        if target.classes:
            yield f"classes   {', '.join(target.classes)}"
    each = f"{results.networks} times " if results.members else ""
    yield f"network   {each}{' -> '.join([start, *hidden, outputs])}; {weights:,} parameters"
    yield f"training  {results.training_rows:,} rows; {ending(results)}"
    for note in results.notes:
        yield f"decided   {note}"
    if is_driven(configuration):
        yield f"recipe    {configuration.optimizer.name}, all rows at each step"
        return
    yield (
        f"recipe    {configuration.optimizer.name}, learning rate {resolved.learning_rate:g}, "
        f"weight decay {resolved.weight_decay:g}, dropout {resolved.dropout:g}, "
        f"batch size {resolved.batch_size}"
    )
