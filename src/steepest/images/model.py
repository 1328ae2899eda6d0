"""A fitted model of images: predicts, evaluates, explains itself, and is saved in one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, final

import msgspec
import numpy as np
from numpy.typing import NDArray

from steepest import __version__
from steepest.data import Images
from steepest.images.network import build_image_network, like
from steepest.images.parts import codes_of, fitted_to, read_parts
from steepest.images.summary import summarise_images
from steepest.nn import Module
from steepest.tabular.configuration import Configuration
from steepest.tabular.evaluate import Evaluation
from steepest.tabular.files import damage_told, model_bytes, read_model_file, timeless, write_model
from steepest.tabular.heads import ClassHead
from steepest.tabular.network import network_weights, set_weights, together
from steepest.tabular.options import from_plain, to_plain
from steepest.tabular.recipe import make_loss
from steepest.tabular.results import Results
from steepest.tabular.summary import first_scores
from steepest.tabular.trained import TrainedNetwork
from steepest.train.predict import SAMPLES, mean_and_deviation_of_draws
from steepest.train.watched import Watched
from steepest.transform.executable import Backend

Row: TypeAlias = Mapping[str, Any]
Source: TypeAlias = "str | Path | Images | NDArray[Any]"
KIND = "images"


@final
class ImageModel:
    """A network with all that stands between it and images.

    Attributes:
        configuration: The options it was fitted with.
        classes: The labels, in the order of its outputs.
        shape: Of one image: (height, width) or (height, width, channels).
        kind: The element type of images: "uint8" or "float32".
        results: How training went, and the scores.
        history: One mapping an epoch.
        watched: What `watch=n` saw; of an ensemble, in its first member. Not saved.
        trained: The network in use; its ``backend`` is what predictions run on, and is not saved.
    """

    def __init__(
        self,
        *,
        configuration: Configuration,
        classes: tuple[str, ...],
        shape: tuple[int, ...],
        kind: str,
        network: Module,
        results: Results,
        history: Sequence[Row],
        backend: Backend = "native",
    ) -> None:
        self.configuration = configuration
        self.classes = classes
        self.shape = shape
        self.kind = kind
        self.results = results
        self.history: tuple[Row, ...] = tuple(history)
        self.watched = Watched()
        self.trained = TrainedNetwork(network, backend)

    def __repr__(self) -> str:
        """Say what is predicted, and how well."""
        parts = [f"{len(self.classes)} classes", *first_scores(self.results)]
        return f"<ImageModel: {', '.join(parts)}>"

    @property
    def network(self) -> Module:
        """The trained module."""
        return self.trained.network

    @property
    def head(self) -> ClassHead:
        """What the network's outputs mean."""
        return class_head(self.configuration, self.classes)

    @property
    def has_probabilities(self) -> bool:
        """Whether it was trained so that softmax of its outputs are probabilities of classes."""
        return self.head.has_probabilities

    def read(self, source: Source) -> dict[str, Images]:
        """Read images as the model wants them: "training", and "test" where there are some.

        Args:
            source: A folder, an .npz or IDX file; or an array (n, h, w) or (n, h, w, channels).

        Raises:
            DataError: They cannot be read, or are of another size; the file is named.
        """
        if isinstance(source, np.ndarray):
            names = tuple(map(str, range(len(source))))
            source = Images(pixels=source, labels=None, names=names, source="the array")
        given = like(self.shape, self.kind)
        if isinstance(source, Images):
            return {"training": fitted_to(source, self.shape, given)}
        sets = read_parts(source, self.configuration)
        return {name: fitted_to(each, self.shape, given) for name, each in sets.items()}

    def predict(self, source: Source) -> NDArray[np.str_]:
        """Predict the class of each image, as text.

        Args:
            source: As `read`; of a source with test images those.

        Raises:
            DataError: As `read`.
        """
        return self.head.choose(self.head.meaning(self.outputs(self._one(source))))

    def predict_proba(self, source: Source) -> NDArray[np.float64]:
        """Predict each class's probability: softmax of the network's outputs, float64 (n, classes).

        Raises:
            DataError: As `read`; also if it was trained with a loss that knows no probabilities.
        """
        self.check_probabilities()
        return self.head.meaning(self.outputs(self._one(source)))

    def check_probabilities(self) -> None:
        """Refuse where there are none.

        Raises:
            DataError: The model was trained for margins.
        """
        self.head.check_probabilities()

    def sampled(
        self, images: Images, *, samples: int = SAMPLES, seed: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of probabilities over draws with dropout, (n, classes) each.

        Raises:
            ConfigurationError: The network has no dropout; fewer than two samples.
        """
        self.check_probabilities()
        draws = self.trained.samples(images.pixels, samples, seed)
        meant = (self.head.meaning(outputs) for outputs in draws)
        return mean_and_deviation_of_draws(meant, np.float64)

    def evaluate(self, source: Source) -> Evaluation:
        """Score the predictions of images whose classes are known.

        Args:
            source: As `read`; of a source with test images those.

        Raises:
            DataError: As `read`; no labels, or a label that is no class of the model.
        """
        return self.score(self._one(source))

    def score(self, images: Images) -> Evaluation:
        """Score the predictions of images that have been read."""
        codes = codes_of(images, self.classes)  # before the predictions, which take time
        meant = self.head.meaning(self.outputs(images))
        return self.head.evaluate(codes, meant, self.results.baseline)

    def outputs(self, images: Images) -> NDArray[Any]:
        """Compute the raw outputs of the network: scores (n, classes).

        Raises:
            TrainingError: They are not finite, because training went wrong.
        """
        return self.trained.outputs(images.pixels)

    def _one(self, source: Source) -> Images:
        sets = self.read(source)
        return sets.get("test", next(iter(sets.values())))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file, whole or not at all; it holds no images, times or paths.

        Raises:
            DataError: The file cannot be written; an old one under the name is untouched.
        """
        write_model(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Build the model file's content; equal fits give equal bytes."""
        document = {
            "kind": KIND,
            "version": __version__,
            "configuration": to_plain(self.configuration),
            "classes": list(self.classes),
            "shape": list(self.shape),
            "pixels": self.kind,
            "results": msgspec.to_builtins(self.results),
            "history": [timeless(row) for row in self.history],
        }
        return model_bytes(network_weights(self.network), document)

    def summary(self) -> str:
        """Describe the model for a person: classes, layers, options, training and scores."""
        return summarise_images(
            self.configuration, self.classes, self.shape, self.network, self.results
        )


def class_head(configuration: Configuration, classes: tuple[str, ...]) -> ClassHead:
    """What the outputs of a network of images mean: scores of classes.

    Raises:
        ConfigurationError: the loss is not for classes.
    """
    return ClassHead(make_loss(configuration, "classification"), classes)


def load_images_model(path: Path) -> ImageModel:
    """Read a model file of images.

    Raises:
        ModelFileError: Missing, cut short, damaged, of a newer format, or not ours.
    """
    tensors, document = read_model_file(path)
    with damage_told(path):
        configuration = from_plain(document["configuration"])
        results = msgspec.convert(document["results"], Results)
        classes = tuple(str(each) for each in document["classes"])
        shape = tuple(int(each) for each in document["shape"])
        images = like(shape, document["pixels"])
        networks = [
            build_image_network(images, len(classes), configuration, results.resolved)
            for _ in range(results.networks)
        ]
        network = together(networks, class_head(configuration, classes).loss, results)
        set_weights(network, tensors)
        history = msgspec.convert(document.get("history", []), list[dict[str, Any]])
    return ImageModel(
        configuration=configuration,
        classes=classes,
        shape=shape,
        kind=images.dtype.name,
        network=network,
        results=results,
        history=history,
    )
