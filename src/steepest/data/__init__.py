"""Tables to arrays: reading, schema, preprocessing, splits, bundled data sets, writing CSV."""

from steepest.data.bundled import DATA_SETS, bundled_table
from steepest.data.images import Images, holds_images, parse_size, read_images, size_text
from steepest.data.inference import TypeName, infer_schema
from steepest.data.options import MISSING, ReadOptions
from steepest.data.preprocess import CategoricalInput, Inputs, NumericInput, Preprocessor
from steepest.data.read import read_blocks, read_names, read_table
from steepest.data.scaling import (
    SCALINGS,
    smooth_clip,
    standardise,
)
from steepest.data.schema import Feature, Kind, LeftOut, Schema, Target, Task
from steepest.data.split import Split, split
from steepest.data.table import Column, NumberColumn, Table, TextColumn
from steepest.data.target import (
    codes_of_classes,
    drop_rows_without,
    sample_weights,
    target_labels,
    target_numbers,
)
from steepest.data.tensor_file import FileKind
from steepest.data.write import (
    Cells,
    TableWriter,
    check_writable,
    open_writer,
    whole_file,
    write_table,
)

__all__ = [
    "DATA_SETS",
    "MISSING",
    "SCALINGS",
    "CategoricalInput",
    "Cells",
    "Column",
    "Feature",
    "FileKind",
    "Images",
    "Inputs",
    "Kind",
    "LeftOut",
    "NumberColumn",
    "NumericInput",
    "Preprocessor",
    "ReadOptions",
    "Schema",
    "Split",
    "Table",
    "TableWriter",
    "Target",
    "Task",
    "TextColumn",
    "TypeName",
    "bundled_table",
    "check_writable",
    "codes_of_classes",
    "drop_rows_without",
    "holds_images",
    "infer_schema",
    "open_writer",
    "parse_size",
    "read_blocks",
    "read_images",
    "read_names",
    "read_table",
    "sample_weights",
    "size_text",
    "smooth_clip",
    "split",
    "standardise",
    "target_labels",
    "target_numbers",
    "whole_file",
    "write_table",
]
