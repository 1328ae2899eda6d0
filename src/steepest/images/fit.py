"""The recipe: images in, a fitted model out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from steepest.data import Images
from steepest.images.model import ImageModel, class_head
from steepest.images.network import ImageNetwork, build_image_network
from steepest.images.parts import ImageParts, codes_of, prepare_images
from steepest.tabular.configuration import Configuration
from steepest.tabular.ending import Ending
from steepest.tabular.learner import Learner, Rows, learner
from steepest.tabular.options import from_plain, to_plain
from steepest.tabular.resolved import resolve
from steepest.tabular.stopwatch import Stopwatch
from steepest.tabular.weights import check_weighed_classes, class_weights
from steepest.train.callbacks import Callback
from steepest.train.checkpoint import Checkpoint
from steepest.transform.executable import Backend


def fit_images(
    source: str | Path,
    configuration: Configuration | Mapping[str, Any] | None = None,
    *,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    backend: Backend = "native",
) -> ImageModel:
    """Train a network on images, as `steepest fit` does with a folder or an .npz file.

    Args:
        source: A folder with a folder of .png or .jpg files for each class; an .npz file with
            images x (or x_train) and labels y; or an IDX file as MNIST's.
        configuration: All options, or nested dictionaries of those that shall not have their
            defaults, such as {"images": {"augment": ["shift=2", "flip"]}}.
        validation: Images to stop on, instead of a share of `source`.
        test: Images for an honest test, instead of a share of `source` or its own test images.
        callbacks: Called while it trains, as in `steepest.Trainer.fit`; may stop it.
        backend: "native" compiles the training step, "reference" interprets it with NumPy.

    Raises:
        DataError: The images cannot be used: file and remedy.
        ConfigurationError: An option makes no sense.

    >>> import tempfile
    >>> random = np.random.default_rng(0)
    >>> x = random.integers(0, 100, (60, 6, 6)).astype(np.uint8)
    >>> x[::2, :3] += 100  # half of them are bright above
    >>> file = Path(tempfile.mkdtemp()) / "bright.npz"
    >>> np.savez(file, x=x, y=["above", "nowhere"] * 30)
    >>> model = fit_images(file, {"images": {"augment": ["flip"]}, "data": {"test": 0.3}})
    >>> model.results.test["accuracy"] > 0.8
    True
    """
    given = to_plain(configuration) if isinstance(configuration, Configuration) else configuration
    parts = prepare_images(source, from_plain(given or {}), validation=validation, test=test)
    return fit_image_parts(parts, callbacks=callbacks, backend=backend)


def fit_image_parts(
    parts: ImageParts,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
    resume: Path | None = None,
    watch: int | None = None,
    backend: Backend = "native",
    stopwatch: Stopwatch | None = None,
) -> ImageModel:
    """Fit standardisation and network to the training images, and score the others.

    Args:
        parts: the images.
        callbacks: called while it trains.
        checkpoint: where and how often the running fit is kept.
        resume: the checkpoint to go on from.
        watch: look into every layer each so many steps: `model.watched`.
        backend: of the training step and of what the model predicts.
        stopwatch: gets the time of preparing, compiling, training and scoring.

    Raises:
        TrainingError: The loss is not finite from the first step on.
    """
    clock = stopwatch or Stopwatch()
    with clock.part("preparing"):
        learns = _learner(parts, backend)
        held_out = None if parts.validation is None else _rows(parts.validation, parts)
    with clock.part("training"):
        histories = learns.train(
            held_out, callbacks, checkpoint=checkpoint, resume=resume, watch=watch
        )
        ending = Ending.of(histories)
        clock.count_as("compiling", ending.compiling)
    with clock.part("scoring"):
        model = _scored(learns, ending, parts)
    model.watched = histories[0].watched
    return model


def _learner(parts: ImageParts, backend: Backend) -> Learner[ImageNetwork]:
    configuration = parts.configuration
    resolved = resolve(configuration, "classification", len(parts.training))
    networks = [
        build_image_network(
            parts.training.pixels, len(parts.classes), configuration, resolved, member
        )
        for member in range(configuration.training.ensemble_size)
    ]
    return learner(networks, _rows(parts.training, parts), configuration, resolved, backend)


def _rows(images: Images, parts: ImageParts) -> Rows:
    codes, option = codes_of(images, parts.classes), parts.configuration.training.class_weight
    if not isinstance(option, str):
        check_weighed_classes(option, parts.classes)
    return Rows(
        inputs=images.pixels,
        targets=codes,
        weights=class_weights(option, codes, parts.classes),
        head=class_head(parts.configuration, parts.classes),
    )


def _scored(learns: Learner[ImageNetwork], ending: Ending, parts: ImageParts) -> ImageModel:
    """The model with how it does on the images it was not trained on."""
    baseline = learns.rows.head.baseline(learns.rows.targets)
    model = ImageModel(
        configuration=learns.configuration,
        classes=parts.classes,
        shape=parts.training.shape,
        kind=parts.training.pixels.dtype.name,
        network=learns.network,
        backend=learns.trainer.backend,
        history=ending.rows,
        results=ending.results(
            parts.training, parts.validation, parts.test, learns.resolved, baseline
        ),
    )
    model.results = msgspec.structs.replace(
        model.results,
        validation=None if parts.validation is None else model.score(parts.validation),
        test=None if parts.test is None else model.score(parts.test),
    )
    return model
