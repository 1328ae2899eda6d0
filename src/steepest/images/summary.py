"""A fitted model of images described for a person."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.data import size_text
from steepest.nn import Ensemble, Module
from steepest.tabular.configuration import Configuration
from steepest.tabular.options import to_toml
from steepest.tabular.resolved import explicit
from steepest.tabular.results import Results
from steepest.tabular.summary import ending, results_lines, under_headings


def summarise_images(
    configuration: Configuration,
    classes: tuple[str, ...],
    shape: tuple[int, ...],
    network: Module,
    results: Results,
) -> str:
    """Write classes, training, scores, layers and options, each under its heading."""
    one = network.members[0] if isinstance(network, Ensemble) else network
    sections = {
        "model": _overview(configuration, classes, shape, network, results),
        "results": results_lines(results),
        "layers": one.summary().splitlines(),
        "options": to_toml(configuration).splitlines(),
    }
    return under_headings(sections)


def _overview(
    configuration: Configuration,
    classes: tuple[str, ...],
    shape: tuple[int, ...],
    network: Module,
    results: Results,
) -> Iterator[str]:
    options, resolved, images = configuration.network, results.resolved, configuration.images
    hidden = [
        f"{size} {options.activation}" for size in explicit(options, resolved).hidden_layer_sizes
    ]
    weights = sum(cell.type.size for cell in network.parameters().values())
    each = f"{results.networks} times " if results.members else ""
    layers = " -> ".join([f"{size_text(shape)} pixels", *hidden, f"{len(classes)} classes"])
    yield "predicts  the class of an image"
    yield f"classes   {', '.join(classes)}"
    yield f"network   {each}{layers}; {weights:,} parameters"
    yield f"augmented {', '.join(images.augment) or 'not at all'}"
    yield f"training  {results.training_rows:,} images; {ending(results)}"
    yield (
        f"recipe    {configuration.optimizer.name}, learning rate {resolved.learning_rate:g}, "
        f"weight decay {resolved.weight_decay:g}, dropout {resolved.dropout:g}, "
        f"batch size {resolved.batch_size}"
    )
