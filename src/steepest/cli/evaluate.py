"""`steepest evaluate`: how good a model is on a table that has the answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from steepest.cli.flags import Json, Model, Quiet, Reference, Table, table_path
from steepest.cli.image_parts import Part, chosen_part
from steepest.cli.new_rows import (
    model_to_use,
    refuse_flags_of_tables,
    refuse_part,
    with_writing,
    writing,
)
from steepest.cli.option_flags import Given
from steepest.cli.terminal import Terminal
from steepest.cli.threshold import Threshold, with_threshold


@with_writing
def evaluate(
    model: Model,
    table: Table,
    threshold: Threshold = None,
    json_: Json = False,
    part: Part = None,
    reference: Reference = False,
    quiet: Quiet = False,
    **written: Given,
) -> None:
    r"""Score a model on a table, or on images, beside a baseline.

    The baseline predicts the same for every row: the shares of the classes in training, or the
    mean. Rows without a target are left out.

    \b
    Examples:
      steepest evaluate income.safetensors test.csv
      steepest evaluate income.safetensors test.csv --json
      steepest evaluate photos.safetensors other_photos/
    """
    import msgspec

    from steepest.images import ImageModel

    fitted = with_threshold(model_to_use(model, reference=reference), threshold)
    terminal = Terminal(quiet=quiet)
    if isinstance(fitted, ImageModel):
        refuse_flags_of_tables(written)
        images = chosen_part(fitted.read(Path(table)), part)
        terminal.say(f"{len(images):,} images of {images.source}")
        evaluation = fitted.score(images)
    else:
        refuse_part(part)
        with table_path(table) as path:
            rows = fitted.blocks(path, **writing(written))
            evaluation, left_out = fitted.score(rows)
        _say_left_out(left_out, fitted.schema.target_names, terminal)
    if json_:
        print(json.dumps(msgspec.to_builtins(evaluation), ensure_ascii=False))
    else:
        print(evaluation.text())


def _say_left_out(count: int, targets: Sequence[str], terminal: Terminal) -> None:
    from steepest.tabular.parts import the_targets

    if count:
        rows = "1 row" if count == 1 else f"{count:,} rows"
        terminal.say(f"{rows} left out: no value in {the_targets(targets)}")
