"""What a file may be packed with: gzip, bzip2, xz, zstd, or a ZIP archive with one file in it."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, final

from steepest.errors import DataError

if TYPE_CHECKING:
    import zipfile


@final
@dataclass(frozen=True)
class Packing:
    """One way to pack a file.

    Args:
        name: as messages say it.
        magic: how such a file begins.
        suffixes: what names of such files end with.
        unpack: from the packed bytes to the bytes.
    """

    name: str
    magic: bytes
    suffixes: tuple[str, ...]
    unpack: Callable[[BinaryIO], IO[bytes]]


def _gzip(raw: BinaryIO) -> BinaryIO:
    import gzip

    return io.BufferedReader(gzip.GzipFile(fileobj=raw))


def _bzip2(raw: BinaryIO) -> BinaryIO:
    import bz2

    return io.BufferedReader(bz2.BZ2File(raw))


def _xz(raw: BinaryIO) -> BinaryIO:
    import lzma

    return io.BufferedReader(lzma.LZMAFile(raw))


def _zstd(raw: BinaryIO) -> BinaryIO:
    try:
        zstd = import_module("compression.zstd")  # Python's own from 3.14 on
    except ImportError:
        raise DataError(
            "is packed with zstd, which Python reads from 3.14 on; unpack it, or pack it with gzip"
        ) from None
    return io.BufferedReader(zstd.ZstdFile(raw))


def _zip(raw: BinaryIO) -> IO[bytes]:
    import zipfile

    archive = zipfile.ZipFile(raw)
    names = members(archive)
    if len(names) != 1:
        found = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        raise DataError(
            f"is a ZIP archive of {len(names)} files{f' ({found})' if names else ''}; "
            "unpack it, and name one of them"
        )
    if archive.getinfo(names[0]).flag_bits & 1:
        raise DataError("is a ZIP archive with a password; unpack it first")
    return archive.open(names[0])


def members(archive: zipfile.ZipFile) -> list[str]:
    """The names of the files in an archive, without folders and what macOS adds."""
    return [
        each.filename
        for each in archive.infolist()
        if not each.is_dir() and not each.filename.startswith("__MACOSX/")
    ]


PACKINGS = (
    Packing("gzip", b"\x1f\x8b", (".gz",), _gzip),
    Packing("bzip2", b"BZh", (".bz2",), _bzip2),
    Packing("xz", b"\xfd7zXZ\x00", (".xz",), _xz),
    Packing("zstd", b"\x28\xb5\x2f\xfd", (".zst",), _zstd),
    Packing("ZIP", b"PK\x03\x04", (".zip",), _zip),
)


def packing_of(start: bytes) -> Packing | None:
    """What a file that begins like this is packed with, if it is."""
    return next((each for each in PACKINGS if start.startswith(each.magic)), None)


@contextmanager
def open_bytes(path: Path) -> Generator[IO[bytes], None, None]:
    """Open a file, unpacked if it is packed.

    Raises:
        DataError: the packed data is damaged, or holds more than one file.
    """
    with path.open("rb") as raw:
        packing = packing_of(raw.read(8))
        raw.seek(0)
        if packing is None:
            yield raw
            return
        try:
            opened = packing.unpack(raw)
        except DataError as error:
            raise DataError(f"{path} {error}") from None
        except _damage() as error:
            raise _damaged(path, packing, error) from None
        try:
            yield opened
        except _damage() as error:
            raise _damaged(path, packing, error) from None


def _damage() -> tuple[type[Exception], ...]:
    import zipfile
    import zlib
    from lzma import LZMAError

    # bz2 and gzip say what is damaged with an OSError, ZIP unknown methods with the last one
    return (EOFError, OSError, zlib.error, LZMAError, zipfile.BadZipFile, NotImplementedError)


def _damaged(path: Path, packing: Packing, error: Exception) -> DataError:
    reason = str(error) or "it ends too early"
    also = " (or a damaged Excel workbook)" * (packing.name == "ZIP")
    return DataError(f"{path} is damaged {packing.name}{also}: {reason}; pack or copy it again")
