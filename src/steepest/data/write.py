"""Write CSV, and write files whole or not at all."""

from __future__ import annotations

import io
import os
import secrets
import stat
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import NumberColumn, Table, TextColumn
from steepest.errors import DataError

Cells = Sequence[str] | Sequence[int] | Sequence[float] | NDArray[Any] | NumberColumn | TextColumn

_NEEDS_QUOTES = frozenset(',"\n\r')
_OTHER_FORMATS = {
    *(".parquet", ".pq", ".feather", ".arrow", ".xlsx", ".xls", ".ods", ".json", ".jsonl"),
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".tsv", ".tab"),
}


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Generator[BinaryIO, None, None]:
    """Open a file for writing that appears under its name only when it is complete.

    Bytes go to a new file in the same folder, which at the end is synced and renamed; if the block
    raises, or the process dies, what stood under the name before is untouched. A name that stands
    for something else than a file (a pipe, /dev/null) is written directly; a link keeps pointing
    where it did.

    Raises:
        DataError: the folder is missing or not writable, the disk is full …

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with whole_file(Path(folder.name) / "a.txt") as file:
    ...     count = file.write(b"hello")
    >>> os.listdir(folder.name)
    ['a.txt']
    >>> folder.cleanup()
    """
    target = Path(path)
    try:
        if _is_special(target):
            with target.open("wb") as file:
                yield file
            return
        target = target.resolve() if target.is_symlink() else target
        if target.is_dir():
            raise DataError(f"{path} cannot be written: it is a directory")
        temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.part")
        # os.open, unlike tempfile, gives the new file the permissions that the umask says.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                _keep_mode(target, temporary)
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before any work whether `whole_file` could write to this path.

    Raises:
        DataError: as `whole_file`.
    """
    target = Path(path)
    if _is_special(target):
        return
    folder = (target.resolve() if target.is_symlink() else target).parent
    if target.is_dir():
        raise DataError(f"{path} cannot be written: it is a directory")
    if not folder.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {folder}")
    probe = folder / f".{secrets.token_hex(6)}.part"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        probe.unlink()
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _is_special(target: Path) -> bool:
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _keep_mode(target: Path, temporary: Path) -> None:
    with suppress(OSError):
        os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))


def _sync_folder(folder: Path) -> None:
    # Not every file system can sync a folder; the file itself is safe by then.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class TableWriter:
    """Writes blocks of columns as CSV; all blocks have the columns of the first.

    Numbers are written so that they read back exactly; missing ones as empty fields. Text that
    contains a comma, a quote or the end of a line is quoted.

    >>> writer = TableWriter(sys.stdout)
    >>> writer.write({"name": ["a, b", "c"], "size": np.array([0.1, np.nan], np.float32)})
    name,size
    "a, b",0.1
    c,
    """

    def __init__(self, file: TextIO) -> None:
        """Write to an open text file, which the caller closes."""
        self._file = file
        self._names: tuple[str, ...] | None = None

    def write(self, columns: Mapping[str, Cells]) -> None:
        """Write rows, after the header if they are the first.

        Raises:
            DataError: columns of unequal length, or other columns than before.
        """
        names = tuple(columns)
        if self._names is None:
            self._names = names
            self._file.write(_line([_quoted(name) for name in names]))
        if names != self._names:
            raise DataError(f"columns {names} follow rows with columns {self._names}")
        cells = [_texts(values) for values in columns.values()]
        lengths = {name: len(texts) for name, texts in zip(names, cells, strict=True)}
        if len(set(lengths.values())) > 1:
            raise DataError(f"columns have unequal lengths: {lengths}")
        self._file.writelines(_line(row) for row in zip(*cells, strict=True))


def write_table(target: str | os.PathLike[str], table: Table | Mapping[str, Cells]) -> None:
    """Write a table as CSV, whole or not at all; "-" is the standard output.

    Raises:
        DataError: the file cannot be written, or its name promises another format.
    """
    with open_writer(target) as writer:
        writer.write(table.columns if isinstance(table, Table) else table)


@contextmanager
def open_writer(target: str | os.PathLike[str]) -> Generator[TableWriter, None, None]:
    """Open a `TableWriter` on a file written whole or not at all; "-" is the standard output.

    Raises:
        DataError: the file cannot be written, or its name promises another format.
    """
    if target == "-":
        yield TableWriter(sys.stdout)
        sys.stdout.flush()
        return
    suffix = Path(target).suffix.lower()
    if suffix in _OTHER_FORMATS:
        raise DataError(
            f"{target}: what is written is plain CSV, not {suffix}; give a name that ends in .csv"
        )
    with whole_file(target) as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8", newline="", write_through=False)
        yield TableWriter(text)
        text.flush()
        text.detach()


def _line(fields: Sequence[str]) -> str:
    # A single empty field would be a blank line, which reading skips.
    return (",".join(fields) or '""') + "\n"


def _quoted(text: str) -> str:
    if _NEEDS_QUOTES.isdisjoint(text) and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'


def _texts(values: Cells) -> list[str]:
    if isinstance(values, NumberColumn):
        return values.texts()
    if isinstance(values, TextColumn):
        levels = [*(_quoted(level) for level in values.levels), ""]
        return [levels[code] for code in values.codes.tolist()]
    array = np.asarray(values)
    if np.issubdtype(array.dtype, np.floating):
        # NumPy writes the shortest digits of the array's own precision, float32 included.
        return ["" if text == "nan" else text for text in array.astype(str).tolist()]
    if array.dtype == object or array.dtype.kind == "U":
        return [_quoted(str(value)) for value in array.tolist()]
    return array.astype(str).tolist()
