"""`steepest inspect`: what is in a model file."""

from __future__ import annotations

import json

from steepest.cli.flags import Json, Model


def inspect(model: Model, json_: Json = False) -> None:
    r"""Show what is in a model file.

    Layers, parameters, schema, options and results; the file holds no rows, but
    every level of a category.

    \b
    Examples:
      steepest inspect income.safetensors
      steepest inspect income.safetensors --json
    """
    from steepest.images import load
    from steepest.tabular.files import read_model_file

    fitted = load(model)
    if json_:
        tensors, document = read_model_file(model)
        document["layers"] = {name: list(array.shape) for name, array in tensors.items()}
        print(json.dumps(document, ensure_ascii=False, sort_keys=True))
    else:
        print(fitted.summary())
