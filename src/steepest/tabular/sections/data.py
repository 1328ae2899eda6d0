"""Options of the table: how it is read, what is predicted, which rows are held out."""

from __future__ import annotations

from typing import Annotated, Literal, final

from msgspec import Meta, Struct, field

from steepest.data import DROP, KINDS
from steepest.data.options import MISSING
from steepest.tabular.chosen import OneOf
from steepest.tabular.flag import Flag


@final
class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the table is read, which column is predicted and which rows are held out."""

    target: Annotated[
        str | tuple[str, ...],
        Meta(description="the column to predict, or a list of several"),
        Flag("The column to predict; or several: a,b", "COL", short="t", several=True),
    ] = ""
    task: Annotated[
        Literal["auto", "classification", "regression"],
        Meta(description="auto: text, booleans, at most 20 different integers are classes"),
        Flag("classification or regression, where the target alone misleads."),
    ] = "auto"
    types: Annotated[
        dict[str, Annotated[str, OneOf((), words=(*KINDS, DROP))]],
        Meta(description="the kind of a column where the inferred one is wrong"),
        Flag(f"Kinds of columns: {', '.join((*KINDS, DROP))}.", "COL=KIND", several=True),
    ] = field(default_factory=dict[str, str])
    drop: Annotated[
        tuple[str, ...],
        Meta(description="columns left out"),
        Flag("Leave columns out.", "COL,...", several=True),
    ] = ()
    features: Annotated[
        tuple[str, ...],
        Meta(description="the only columns used; empty: all but the target"),
        Flag("Use only these columns.", "COL,...", several=True),
    ] = ()
    missing: Annotated[
        tuple[str, ...],
        Meta(description="what means a missing value, besides an empty field"),
        Flag("What means a missing value, besides nothing.", "NA,?", several=True),
    ] = MISSING
    separator: Annotated[
        str,
        Meta(description="one character, or tab; empty: found out from the file"),
        Flag("Between fields: one character, or tab."),
    ] = ""
    quote: Annotated[
        str,
        Meta(description="around fields that hold separators; empty: none"),
        Flag("Around fields that hold separators; '' for none."),
    ] = '"'
    decimal: Annotated[
        Literal["", ".", ","],
        Meta(description="the decimal sign; empty: found out from the file"),
        Flag("The decimal sign: , or a point."),
    ] = ""
    encoding: Annotated[
        str,
        Meta(description="of a text file; empty: found out from the file"),
        Flag("Of a text file: utf-8, cp1252, latin-1, …"),
    ] = ""
    comment: Annotated[
        str,
        Meta(description="lines that begin so are left out; empty: only those above the header"),
        Flag("Leave lines out that begin so: '#'."),
    ] = ""
    sheet: Annotated[
        str,
        Meta(description="of a workbook, or table of a database; empty: the only one"),
        Flag("Of a workbook, or table of a database.", "NAME"),
    ] = ""
    query: Annotated[
        str,
        Meta(description="SQL whose rows are the table, FROM data; empty: all rows"),
        Flag("Rows by SQL: 'SELECT * FROM data WHERE age > 30'.", "SQL"),
    ] = ""
    header: Annotated[
        bool,
        Meta(description="the first line holds the column names"),
        Flag("The first line is data; columns are column_1, column_2 …", name="no-header"),
    ] = True
    memory: Annotated[
        str,
        Meta(description="train block by block, rows taking so much (1GB); empty: all at once"),
        Flag("Train block by block: what rows may take, such as 1GB.", "SIZE"),
    ] = ""
    sample_weight: Annotated[
        str,
        Meta(description="column of row weights (not a feature); empty: equal weights"),
        Flag("Column of row weights.", "COL"),
    ] = ""
    group: Annotated[
        str,
        Meta(description="column that says which rows belong together: in one part only"),
        Flag("Rows of one value go to one part only.", "COL"),
    ] = ""
    time: Annotated[
        str,
        Meta(description="column of numbers or dates: the oldest rows train, the newest test"),
        Flag("The oldest rows train, the newest test.", "COL"),
    ] = ""
    validation: Annotated[
        float,
        Meta(description="share of the rows for early stopping; 0: none", ge=0, lt=1),
        Flag("Rows for early stopping: a share (0.1) or a table.", "FRACTION|FILE", or_table=True),
    ] = 0.1
    test: Annotated[
        float,
        Meta(description="share of the rows kept away for an honest test; 0: none", ge=0, lt=1),
        Flag("Rows for an honest test: a share or a table.", "FRACTION|FILE", or_table=True),
    ] = 0.0
