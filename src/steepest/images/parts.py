"""From a source of images to those for training, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Images, parse_size, read_images, size_text, split
from steepest.errors import ConfigurationError, DataError, nearest
from steepest.nn import IMAGE_SCALINGS
from steepest.nn.augment import Compose
from steepest.tabular.configuration import Configuration
from steepest.tabular.sections.data import Data
from steepest.tabular.sections.decision import Decision
from steepest.tabular.sections.preprocessing import Preprocessing
from steepest.tabular.stopwatch import Stopwatch

# Of the options about data, those that images have too.
_OURS = ("validation", "test")


@final
class ImageParts(Struct, frozen=True, kw_only=True):
    """The classes, the images of each part, and what a person should know about them."""

    configuration: Configuration
    classes: tuple[str, ...]
    training: Images
    validation: Images | None
    test: Images | None
    notes: tuple[str, ...]

    def describe(self) -> list[str]:
        """Say what was found: size, classes, and how many images each part has."""
        kind = "bytes" if self.training.pixels.dtype == np.uint8 else "numbers"
        counts = [f"{len(self.training):,} images to train on"]
        for name, part in (("validation", self.validation), ("test", self.test)):
            if part is not None:
                counts.append(f"{len(part):,} for {name}")
        augment = ", ".join(self.configuration.images.augment)
        return [
            f"images of {size_text(self.training.shape)} {kind}",
            f"{len(self.classes)} classes: {_in_short(self.classes)}",
            *([f"augmented by {augment}"] if augment else []),
            *self.notes,
            ", ".join(counts),
        ]


def check_options(configuration: Configuration) -> None:
    """Refuse, before anything is read, options that are impossible or are those of tables.

    Raises:
        ConfigurationError: says which, and what to change.
    """
    plain = Data()
    for name in Data.__struct_fields__:
        if name not in _OURS and getattr(configuration.data, name) != getattr(plain, name):
            raise ConfigurationError(f"data.{name} is for tables; images have no columns")
    if configuration.preprocessing != Preprocessing():
        raise ConfigurationError(
            "preprocessing is for tables; images are standardised by images.standardise"
        )
    if configuration.decision != Decision():
        raise ConfigurationError(
            "--threshold, --costs and --calibration are for tables; of images the likeliest class "
            "is predicted"
        )
    Compose(*configuration.images.augment)
    IMAGE_SCALINGS.find(configuration.images.standardise)
    if configuration.images.size:
        parse_size(configuration.images.size)


def prepare_images(
    source: str | Path,
    configuration: Configuration,
    *,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    stopwatch: Stopwatch | None = None,
) -> ImageParts:
    """Read images and set those for validation and test apart.

    Args:
        source: A folder, an .npz or an IDX file; see :func:`steepest.data.read_images`.
        configuration: The options.
        validation: Images of their own to stop on, instead of a share.
        test: Likewise for the honest test; else a share, if one is asked for, or else what the
            source itself keeps apart.
        stopwatch: Gets the time of reading.

    Raises:
        DataError: The images cannot be used: file and remedy.
        ConfigurationError: An option makes no sense.
    """
    check_options(configuration)
    watch = stopwatch or Stopwatch()
    with watch.part("reading"):
        sets = read_parts(source, configuration)
        given = {
            name: _whole(read_parts(path, configuration))
            for name, path in (("validation", validation), ("test", test))
            if path is not None
        }
    training, data = sets["training"], configuration.data
    classes = _check_classes(training)
    notes: list[str] = []
    if test is None and not data.test and "test" in sets:
        given["test"] = sets["test"]
        notes.append(f"{given['test'].source} is kept for the test")
    drawn = split(
        len(training),
        validation=0.0 if "validation" in given else data.validation,
        test=0.0 if "test" in given else data.test,
        seed=configuration.training.seed,
        stratify=training.known_labels(),
    )
    chosen = training.take(drawn.train)
    for name, rows in (("validation", drawn.validation), ("test", drawn.test)):
        if name not in given and len(rows):
            given[name] = training.take(rows)
    for each in given.values():
        codes_of(each, classes)
    fitting = {name: fitted_to(each, chosen.shape, chosen.pixels) for name, each in given.items()}
    return ImageParts(
        configuration=configuration,
        classes=classes,
        training=chosen,
        validation=fitting.get("validation"),
        test=fitting.get("test"),
        notes=tuple(notes),
    )


def read_parts(source: str | Path, configuration: Configuration) -> dict[str, Images]:
    """Read images with the options' own size, where there is one."""
    size = configuration.images.size
    return read_images(source, size=parse_size(size) if size else None)


def _whole(sets: dict[str, Images]) -> Images:
    """Of a file for validation or test: its test images, if it says so, or all."""
    return sets.get("test", sets.get("training", next(iter(sets.values()))))


def codes_of(images: Images, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """The number of each image's class.

    Raises:
        DataError: an image is of another class; it is named, with the nearest class.
    """
    numbers = {label: number for number, label in enumerate(classes)}
    labels = images.known_labels().tolist()
    for place, label in enumerate(labels):
        if label not in numbers:
            raise DataError(
                f"{images.source}, {images.names[place]}: {label!r} is no class of the training "
                f"images; {nearest(str(label), classes)}"
            )
    return np.array([numbers[label] for label in labels], np.int64)


def fitted_to(images: Images, shape: tuple[int, ...], like: NDArray[Any]) -> Images:
    """Images as the training images are: grey ones with three equal channels, if those have them.

    Args:
        images: any.
        shape: of a training image.
        like: an array of the element type of the training images.

    Raises:
        DataError: they are of another size or kind; the first one is named.
    """
    pixels = images.pixels
    if len(shape) == 3 and images.shape == shape[:2]:
        pixels = np.repeat(pixels[..., None], shape[2], axis=3)
    name = f"{images.source}, image {images.names[0]}" if len(images) else images.source
    if pixels.shape[1:] != shape:
        raise DataError(
            f"{name} is {size_text(images.shape)}; the training images are {size_text(shape)}"
            f"{_remedy(images.shape, shape)}"
        )
    if pixels.dtype != like.dtype:
        raise DataError(
            f"{name} holds {pixels.dtype}, the training images {like.dtype}: give both in one "
            "range, 0 to 255 in uint8, say"
        )
    return Images(pixels=pixels, labels=images.labels, names=images.names, source=images.source)


def _remedy(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if shape[:2] != wanted[:2]:
        return ": fit with --image-size to bring pictures to one size"
    return ": colour images cannot be used where grey ones were trained on"


def _check_classes(images: Images) -> tuple[str, ...]:
    classes = images.classes
    if len(classes) < 2:
        raise DataError(
            f"{images.source} has one class only ({', '.join(classes)}): there is nothing to learn"
        )
    labels, counts = np.unique(images.known_labels(), return_counts=True)
    for label, count in zip(labels, counts, strict=True):
        if count < 2:
            raise DataError(
                f"{images.source}: the class {str(label)!r} has one image only; each class needs "
                "two or more"
            )
    return classes


def _in_short(names: tuple[str, ...], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
