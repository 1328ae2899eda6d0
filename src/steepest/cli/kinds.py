"""What fit works on: a table, or images; each prepared, described and trained in its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, final

from steepest.cli.outputs import stem

if TYPE_CHECKING:
    from steepest.images.model import ImageModel
    from steepest.images.parts import ImageParts
    from steepest.tabular.comparison import Comparison
    from steepest.tabular.model import TableModel
    from steepest.tabular.parts import Parts

    Model: TypeAlias = TableModel | ImageModel

P = TypeVar("P")


@final
@dataclass(frozen=True)
class Kind(Generic[P]):
    """How one kind of source becomes a model.

    Args:
        prepare: (path, configuration, validation=, test=, stopwatch=) to the parts.
        describe: lines for a person about the parts.
        fit: (parts, callbacks=, checkpoint=, resume=, watch=, backend=, stopwatch=) to a model.
        title: of pictures.
        example: what to predict next.
        compare: (model, parts, seconds) to our scores beside those of other libraries' models.
    """

    prepare: Callable[..., P]
    describe: Callable[[P], list[str]]
    fit: Callable[..., Model]
    title: Callable[[P], str]
    example: str
    compare: Callable[[Any, P, float], Comparison] | None = None


def kind_of(source: str) -> Kind[Any]:
    """That of a path on the command line; - is a table."""
    from steepest.data import holds_images

    return _images(source) if source != "-" and holds_images(Path(source)) else _tables()


def _tables() -> Kind[Parts]:
    from steepest.tabular.fit import fit_parts
    from steepest.tabular.prepare import prepare

    return Kind(
        prepare=prepare,
        describe=_described,
        fit=fit_parts,
        title=lambda parts: (
            f"{stem(parts.training.source)}: {', '.join(parts.schema.target_names)}"
        ),
        example="NEW.csv",
        compare=_compared,
    )


def _compared(model: TableModel, parts: Parts, seconds: float) -> Comparison:
    from steepest.tabular.comparison import compare  # scikit-learn: only where it is asked for

    return compare(model, parts, seconds)


def _described(parts: Parts) -> list[str]:
    counts = [f"{parts.rows_to_train_on:,} rows to train on"]
    for name, table in (("validation", parts.validation), ("test", parts.test)):
        if table is not None:
            counts.append(f"{len(table):,} for {name}")
    return [*parts.schema.describe_briefly().splitlines(), *parts.notes, ", ".join(counts)]


def _images(source: str) -> Kind[ImageParts]:
    from steepest.images.fit import fit_image_parts
    from steepest.images.parts import prepare_images

    return Kind(
        prepare=prepare_images,
        describe=lambda parts: parts.describe(),
        fit=fit_image_parts,
        title=lambda parts: f"{stem(source)}: {len(parts.classes)} classes of images",
        example="NEW_IMAGES",
    )
