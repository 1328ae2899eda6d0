"""Tables to arrays: reading, schema, preprocessing, splits, bundled data sets, writing CSV."""

from steepest.data.bundled import DATA_SETS, bundled_table
from steepest.data.first_format import order_of_format_1
from steepest.data.images import Images, holds_images, parse_size, read_images, size_text
from steepest.data.inference import DROP, check_types, infer_schema, kept_as_text
from steepest.data.kinds import KINDS, Bag, FittedColumn, Inputs, Kind, Layout
from steepest.data.options import MISSING, ReadOptions
from steepest.data.preprocess import Preprocessor
from steepest.data.read import open_table, read_blocks, read_names, read_table
from steepest.data.readers import table_suffixes
from steepest.data.scaling import (
    SCALINGS,
    smooth_clip,
    standardise,
)
from steepest.data.schema import Feature, LeftOut, Schema, Target, Task
from steepest.data.split import Split, split
from steepest.data.table import Column, NumberColumn, Table, TextColumn
from steepest.data.target import (
    codes_of_classes,
    sample_weights,
    target_labels,
    target_numbers,
)
from steepest.data.target_scale import TargetScale, Transform
from steepest.data.targets import (
    drop_rows_without,
    infer_targets,
    named_targets,
    possible_targets,
    read_targets,
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
    "DROP",
    "KINDS",
    "MISSING",
    "SCALINGS",
    "Bag",
    "Cells",
    "Column",
    "Feature",
    "FileKind",
    "FittedColumn",
    "Images",
    "Inputs",
    "Kind",
    "Layout",
    "LeftOut",
    "NumberColumn",
    "Preprocessor",
    "ReadOptions",
    "Schema",
    "Split",
    "Table",
    "TableWriter",
    "Target",
    "TargetScale",
    "Task",
    "TextColumn",
    "Transform",
    "bundled_table",
    "check_types",
    "check_writable",
    "codes_of_classes",
    "drop_rows_without",
    "holds_images",
    "infer_schema",
    "infer_targets",
    "kept_as_text",
    "named_targets",
    "open_table",
    "open_writer",
    "order_of_format_1",
    "parse_size",
    "possible_targets",
    "read_blocks",
    "read_images",
    "read_names",
    "read_table",
    "read_targets",
    "sample_weights",
    "size_text",
    "smooth_clip",
    "split",
    "standardise",
    "table_suffixes",
    "target_labels",
    "target_numbers",
    "whole_file",
    "write_table",
]
