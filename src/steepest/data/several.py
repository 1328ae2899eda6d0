"""Several files with the same columns, one below the other, as one table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import final

import numpy as np

from steepest.data.options import ReadOptions
from steepest.data.readers import open_file
from steepest.data.relation import join
from steepest.data.table import NumberColumn, Table, TextColumn
from steepest.errors import DataError, nearest


@final
class SeveralFiles:
    """Tables in files, with the same columns in whatever order.

    Attributes:
        names: of the columns, as in the first file.

    Raises:
        DataError: a file lacks a column or has one more; it is named.
    """

    def __init__(self, paths: Sequence[Path], options: ReadOptions, source: str) -> None:
        """Read the names of all of them; `source` is what they are called together."""
        self._source = source
        self._paths = paths
        self._options = options
        self.names: tuple[str, ...] = open_file(paths[0], options).names
        for path in paths[1:]:
            self._check(path, open_file(path, options).names)

    def _check(self, path: Path, names: tuple[str, ...]) -> None:
        first = self._paths[0]
        for name in self.names:
            if name not in names:
                raise DataError(
                    f"{path} has no column {name!r}, which {first} has; {nearest(name, names)}; "
                    "files that are read together have the same columns"
                )
        for name in names:
            if name not in self.names:
                raise DataError(
                    f"{path} has a column {name!r}, which {first} has not; files that are read "
                    "together have the same columns"
                )

    def table(self, text: Collection[str] | None) -> Table:
        """Read all files; a column is numbers only where it is in all of them."""
        files = [open_file(path, self._options) for path in self._paths]
        parts = [each.table(text) for each in files]
        mixed = {name for name in self.names if self._is_mixed(name, parts)}
        if mixed:
            kept = mixed.union(text or ())
            parts = [
                each.table(kept) if self._has_numbers(mixed, part) else part
                for each, part in zip(files, parts, strict=True)
            ]
        self._check_decimals(parts)
        columns = {name: join([part.columns[name] for part in parts]) for name in self.names}
        before, starts = 0, list[int]()
        for part in parts:
            starts.append(before)
            before += int(part.numbers[-1])
        shifted = [part.numbers + start for part, start in zip(parts, starts, strict=True)]
        named = tuple((start, part.source) for part, start in zip(parts, starts, strict=True))
        notes = dict.fromkeys(note for part in parts for note in part.notes)
        return replace(
            parts[0],
            columns=MappingProxyType(columns),
            numbers=np.concatenate(shifted),
            source=self._source,
            files=named,
            notes=(self._note(), *notes),
        )

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Yield tables of `rows` rows, each from one file; its last one is shorter."""
        note, before = (self._note(),), 0
        for path in self._paths:  # one of them open at a time
            last = 0
            for block in open_file(path, self._options).blocks(rows, text):
                last = int(block.numbers[-1])
                columns = {name: block.columns[name] for name in self.names}
                yield replace(
                    block,
                    columns=MappingProxyType(columns),
                    numbers=block.numbers + before,
                    source=self._source,
                    files=((before, block.source),),
                    notes=(*note, *block.notes),
                )
                note = ()
            before += last

    def _note(self) -> str:
        return f"{len(self._paths)} files: {self._paths[0]} to {self._paths[-1]}"

    def _is_mixed(self, name: str, parts: Sequence[Table]) -> bool:
        return len({type(part.columns[name]) for part in parts}) > 1

    def _has_numbers(self, names: Collection[str], part: Table) -> bool:
        return any(isinstance(part.columns[name], NumberColumn) for name in names)

    def _check_decimals(self, parts: Sequence[Table]) -> None:
        for name in self.names:
            texts = [each for part in parts if isinstance(each := part.columns[name], TextColumn)]
            if len({each.decimal for each in texts}) > 1:
                raise DataError(
                    f"{self._source}: some files have decimal commas and others points; say which "
                    "one it is (--decimal , or --decimal .)"
                )
