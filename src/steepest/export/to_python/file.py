"""A fitted model of a table as a Python file: functions to read, and a block of weights."""

from __future__ import annotations

import base64
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import final

from steepest import __version__
from steepest.data import whole_file
from steepest.export.columns import TEXTS, Group
from steepest.export.model import ExportedModel, exported
from steepest.export.stage import Stage
from steepest.export.to_python import rows
from steepest.export.to_python.copies import copies, standard
from steepest.export.to_python.function import FunctionWriter
from steepest.export.to_python.literals import array_literal, text_literal, wrapped
from steepest.tabular.model import TableModel
from steepest.tabular.parts import read_options

__all__ = ["export_python", "python_source"]

_BLOCK = 96  # characters in a line of weights
_HEAD = '''\
#!/usr/bin/env python3
"""Predicts {target} from {count}, as the model does that steepest {version} fitted.

    python THIS_FILE{probabilities} table.csv > predictions.csv

or, in Python, `predict(rows)` with rows as a list of dictionaries or a dictionary of columns; None,
NaN and "" are missing values. It needs Python 3.10 and NumPy, and nothing else.
"""

from __future__ import annotations

{imports}
'''
_NEEDED = (  # by what is written here
    *("import base64", "import os", "import sys", "import numpy as np", "from typing import Any"),
    *("from collections.abc import Mapping", "from collections.abc import Sequence"),
    "from numpy.typing import NDArray",
)
_GIVEN = ("MISSING", "MISSING_NUMBERS", "DECIMAL")
_MAIN = '''
def main(arguments: list[str]) -> int:
    """Predict the rows of a CSV file, and print the predictions as CSV."""
    wanted = [each for each in arguments if each != "--probabilities"]
    if len(wanted) != 1 or wanted[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if wanted[0] == "-":
            content = sys.stdin.buffer.read()
        else:
            with open(wanted[0], "rb") as file:
                content = file.read()
        table, lines = read_csv(content, COLUMNS, ENCODING, SEPARATORS, HEADER)
        answers = answers_of(table, lines)
    except (OSError, TableError) as error:
        print(f"{wanted[0]}: {error}", file=sys.stderr)
        return 2
    if "--probabilities" not in arguments:
        answers.pop("probabilities", None)
    try:
        write_csv(answers, ANSWERS)
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


'''


def export_python(model: TableModel, path: str | os.PathLike[str]) -> None:
    """Write a model of a table as one Python file that depends on NumPy only.

    The file holds what reads cells, the preprocessing, the network and what its outputs mean as
    functions that a person can follow, its numbers in the digits that give them back exactly, and
    the weights as a block of base64 at its end. `predict(rows)` takes a list of dictionaries or a
    dictionary of columns, `python FILE table.csv` prints predictions as CSV. Sums are in another
    order than in our machine code: values agree to rounding of the network's element type.

    Args:
        model: that has been fitted.
        path: of the file, which is written whole or not at all.

    Raises:
        ConfigurationError: a column or head that cannot be exported; says what, and the remedy.
        DataError: the file cannot be written.

    >>> import runpy, tempfile
    >>> import steepest as st
    >>> from steepest.data import bundled_table
    >>> model = st.fit_table(bundled_table("iris"), "target", {"training": {"max_epochs": 3}})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     st.export_python(model, f"{folder}/iris.py")
    ...     iris = runpy.run_path(f"{folder}/iris.py")
    >>> sorted(name for name in iris if name.startswith("predict"))
    ['predict', 'predict_proba']
    """
    source = python_source(model).encode()
    with whole_file(path) as file:
        file.write(source)


def python_source(model: TableModel) -> str:
    """Build the file's content; equal models give equal text.

    Raises:
        ConfigurationError: as `export_python`.
    """
    parts = exported(model)
    return _Source(model, parts).text()


@final
class _Source:
    """The pieces of a file, each a list of lines, and the functions of `rows` that they call."""

    def __init__(self, model: TableModel, parts: ExportedModel) -> None:
        self._model = model
        self._parts = parts
        self._lacking: set[str] = set()

    def text(self) -> str:
        """All of it."""
        constants, stages, answers = self._constants(), self._stages(), self._answers()
        cells = {group.cell for group in self._parts.groups}
        roots = [
            *(rows.TableError, rows.columns_of, rows.read_csv, rows.write_csv, rows.unpacked),
            *(rows.CELLS[cell] for cell in sorted(cells)),
            *(rows.FUNCTIONS[name] for name in sorted(self._lacking)),
        ]
        imports, definitions = copies(roots, given=_GIVEN)
        pieces = [f"{self._head(imports)}\n{constants}", *_spaced(definitions), *stages, *answers]
        pieces.append(_MAIN.strip("\n"))
        return "\n\n\n".join(each.strip("\n") for each in pieces) + "\n\n\n" + self._weights()

    def _head(self, needed: Sequence[str]) -> str:
        schema, columns = self._model.schema, self._parts.columns
        own, others = standard({*needed, *_NEEDED})
        return _HEAD.format(
            target=", ".join(_in_words(name) for name in schema.target_names),
            count="1 column" if len(columns) == 1 else f"{len(columns)} columns",
            version=__version__,
            probabilities=" [--probabilities]" if "probabilities" in self._says else "",
            imports="\n".join([*own, "", *others]),
        )

    @property
    def _says(self) -> Mapping[str, Sequence[str]]:
        return self._parts.says.columns

    def _constants(self) -> str:
        """Numbers and names, each in a line or more."""
        options = read_options(self._model.configuration.data)
        encoding = "utf-8-sig" if options.encoding in ("", "utf-8") else options.encoding
        columns, texts = self._parts.columns, sorted(self._parts.markers)
        numbers = sorted({float(each) for each in options.marker_numbers})
        lines = [
            *wrapped("COLUMNS = [", (text_literal(each.name) for each in columns), "]"),
            *wrapped("MISSING = {", map(text_literal, texts), "}  # texts of a missing value"),
            f"MISSING_NUMBERS = {set(numbers) or 'set()'}",
            f'DECIMAL = {text_literal(options.decimal or "")}  # "": the table decides it',
            f"SEPARATORS = {text_literal(options.separator or ',;|' + chr(9))}",
            f"ENCODING = {text_literal(encoding)}",
            f"HEADER = {options.header}  # else columns are column_1, column_2 ...",
            "ANSWERS = {  # as columns of a table",
        ]
        for name, columns in self._says.items():
            lines += wrapped(f"    {text_literal(name)}: [", map(text_literal, columns), "],")
        lines.append("}")
        if self._parts.says.labels:
            labels = map(text_literal, self._parts.says.labels)
            lines += wrapped("LABELS = np.array([", labels, "])")
        for group in self._parts.groups:
            lines += _of_group(group)
            lines += _arrays(self._parts.prepare[group.name], group.name)
        lines += [*_arrays(self._parts.join), *_arrays(self._parts.answer)]
        return "\n".join(["# fmt: off", *lines, "# fmt: on"])

    def _stages(self) -> list[str]:
        """The functions that compute."""
        parts = self._parts
        prepare = [
            self._function(
                f"prepare_{group.name}",
                parts.prepare[group.name],
                f"What the network takes of {group.name.upper()}, of its cells (rows, columns).",
                prefix=group.name,
            )
            for group in parts.groups
        ]
        text = "The network's arrays: columns side by side, in the order of the table."
        prepare.append(self._function("join", parts.join, text))
        network = self._function(
            "network", parts.network, "The network's outputs, with the weights w.", weights=True
        )
        answer = self._function("answer", parts.answer, "What outputs say.")
        if parts.average is None:
            return [*prepare, network, answer]
        text = "One output of those of several networks, as if it were that of one."
        return [*prepare, network, self._average(parts.average, text), answer]

    def _function(
        self, name: str, stage: Stage, text: str, *, weights: bool = False, prefix: str = ""
    ) -> str:
        """A stage that takes its inputs by name and gives its outputs by name, or its only one."""
        short = shortened(stage.parameters)

        def parameter(full: str) -> str:
            return f"w[{text_literal(short[full])}]" if weights else _constant(full, prefix)

        writer = FunctionWriter(stage, {each: each for each in stage.inputs}, parameter)
        self._lacking |= writer.functions
        arguments = [f"{each}: NDArray[Any]" for each in stage.inputs]
        arguments += ["w: Mapping[str, NDArray[Any]]"] * weights
        if self._has_one(stage):
            (output,) = writer.outputs.values()
            given, returned = "NDArray[Any]", [f"    return {output}"]
        else:
            given, returned = "dict[str, NDArray[Any]]", _dictionary(writer.outputs)
        return _definition(name, arguments, given, text, [*writer.lines, *returned])

    def _average(self, stage: Stage, text: str) -> str:
        places = {name: f"outputs[{name.rpartition('_')[2]}]" for name in stage.inputs}
        writer = FunctionWriter(stage, places, str.upper)
        self._lacking |= writer.functions
        arguments = ["outputs: Sequence[NDArray[Any]]"]
        body = [*writer.lines, f"    return {writer.outputs['outputs']}"]
        return _definition("average", arguments, "NDArray[Any]", text, body)

    def _answers(self) -> list[str]:
        """From rows to answers: what ties the stages together."""
        lines = ["    table = columns_of(rows, COLUMNS)", "    cells = {"]
        lines += [
            f"        {text_literal(each.name)}: {_cells(each)}," for each in self._parts.groups
        ]
        lines += ["    }", "    arrays = join("]
        lines += [
            f"        {self._taken(each)}prepare_{each.name}(cells[{text_literal(each.name)}]),"
            for each in self._parts.groups
        ]
        given = self._parts.network.inputs
        taken = ", ".join(f"arrays[{text_literal(name)}]" for name in given)
        lines += ["    )", f"    outputs = [network({taken}, w) for w in WEIGHTS]"]
        one = "outputs[0]" if self._parts.average is None else "average(outputs)"
        lines.append(f"    found = answer({one})")
        if self._parts.says.labels:
            lines.append('    found["prediction"] = LABELS[found["prediction"]]')
        lines.append("    return found")
        pieces = [
            _definition(
                "answers_of",
                ["rows: Rows", "lines: Sequence[str] = ()"],
                "dict[str, NDArray[Any]]",
                "All that the model says of each row; lines say where rows stand, for messages.",
                lines,
            )
        ]
        for name, function, text in _PREDICTIONS:
            if name in self._says:
                body = [f"    return answers_of(rows)[{text_literal(name)}]"]
                pieces.append(_definition(function, ["rows: Rows"], "NDArray[Any]", text, body))
        return pieces

    def _taken(self, group: Group) -> str:
        """How the columns of a group are handed on: as one argument, or several by name."""
        return f"{group.name}=" if self._has_one(self._parts.prepare[group.name]) else "**"

    def _has_one(self, stage: Stage) -> bool:
        """Whether a function gives an array, and not several by name."""
        return len(stage.outputs) == 1 and stage not in (self._parts.join, self._parts.answer)

    def _weights(self) -> str:
        """The block of weights, and what runs the file as a program."""
        short = shortened(self._parts.network.parameters)
        used = [name for name in self._parts.members[0] if name in short]
        arrays = [weights[name] for weights in self._parts.members for name in used]
        dtype = arrays[0].dtype.newbyteorder("<")
        content = b"".join(array.astype(dtype).tobytes() for array in arrays)
        block = textwrap.wrap(base64.b64encode(content).decode(), _BLOCK)
        lines = ["SHAPES = {"]
        for name, array in zip(used, arrays, strict=False):
            lines.append(f"    {text_literal(short[name])}: {array.shape},")
        lines += ["}", 'BLOCK = """', *block, '"""']
        lines += [f"WEIGHTS = unpacked(SHAPES, base64.b64decode(BLOCK), {text_literal(dtype.str)})"]
        return "\n".join([*lines, "", 'if __name__ == "__main__":', _RUN, ""])


_RUN = "    sys.exit(main(sys.argv[1:]))"
_PREDICTIONS = (
    ("prediction", "predict", "What is predicted for each row."),
    ("probabilities", "predict_proba", "The probability of each class, in the order of ANSWERS."),
    ("quantiles", "predict_quantiles", "Each quantile, rising in each row."),
)


def shortened(names: Sequence[str] | Mapping[str, object]) -> dict[str, str]:
    """The shortest end of each name that begins with a letter and is the end of no other.

    >>> shortened(["perceptron.layers.0.weight", "embeddings.0.weight"])
    {'perceptron.layers.0.weight': 'layers.0.weight', 'embeddings.0.weight': 'embeddings.0.weight'}
    """
    every = list(names)
    found: dict[str, str] = {}
    for name in every:
        parts = name.split(".")
        for count in range(2, len(parts) + 1):
            end = ".".join(parts[-count:])
            alike = [each for each in every if each == end or each.endswith(f".{end}")]
            if parts[-count][0].isalpha() and alike == [name]:
                break
        else:
            end = name
        found[name] = end
    return found


def _constant(name: str, prefix: str = "") -> str:
    return "_".join(filter(None, (prefix, name))).upper()


def _arrays(stage: Stage, prefix: str = "") -> list[str]:
    """The parameters of a stage as constants."""
    return [
        line
        for name, array in stage.values.items()
        for line in array_literal(_constant(name, prefix), array)
    ]


def _of_group(group: Group) -> list[str]:
    """The columns of a group: names, or the numbers of their levels, or how dates are written."""
    name = group.name.upper()
    if group.cell == "moment":
        orders = [
            f"{text_literal(each.name)}: {text_literal(getattr(each, 'order', ''))}"
            for each in group.columns
        ]
        return wrapped(f"{name} = {{", orders, "}")
    if group.cell not in TEXTS:
        return wrapped(f"{name} = [", (text_literal(each.name) for each in group.columns), "]")
    lines = [f"{name} = {{  # each level's number; that of a missing value is \"\"'s"]
    for column, codes in group.codes.items():
        items = [f"{text_literal(text)}: {code}" for text, code in codes.items()]
        lines += wrapped(f"    {text_literal(column)}: {{", items, "},")
    return [*lines, "}"]


def _cells(group: Group) -> str:
    """An expression for the cells of a group, (rows, columns)."""
    function, name = rows.CELLS[group.cell].__name__, group.name.upper()
    if group.cell in TEXTS:
        return f"{function}(table, {name})"
    if group.cell == "grams":
        sizes = {
            (each.layout.bag.buckets, each.layout.bag.length)
            for each in group.columns
            if each.layout.bag
        }
        ((buckets, length),) = sizes
        return f"{function}(table, {name}, {buckets}, {length})"
    sign = f", {text_literal(group.cell)}" if group.cell in ("point", "comma") else ""
    return f"{function}(table, {name}, lines{sign})"


def _spaced(definitions: Sequence[str]) -> list[str]:
    """Definitions as pieces: constants that follow each other stand together."""
    pieces: list[str] = []
    for each in definitions:
        is_constant = not each.startswith(("def ", "class ", "@"))
        if pieces and is_constant and not pieces[-1].startswith(("def ", "class ", "@")):
            pieces[-1] += f"\n{each}"
        else:
            pieces.append(each)
    return pieces


def _definition(
    name: str, arguments: Sequence[str], given: str, text: str, body: Sequence[str]
) -> str:
    line = f"def {name}({', '.join(arguments)}) -> {given}:"
    lines = [line]
    if len(line) > 100:
        inside = f"    {', '.join(arguments)}"
        split = [f"    {each}," for each in arguments]
        lines = [f"def {name}(", *([inside] if len(inside) <= 100 else split), f") -> {given}:"]
    return "\n".join([*lines, f'    """{text}"""', *body])


def _dictionary(outputs: Mapping[str, str]) -> list[str]:
    lines = [f"        {text_literal(name)}: {text}," for name, text in outputs.items()]
    return ["    return {", *lines, "    }"]


def _in_words(name: str) -> str:
    """A column's name in a docstring, which no character of it may end."""
    shown = "".join(each if each.isprintable() and each not in '\\"' else "?" for each in name)
    return f"'{shown[:60]}'"
