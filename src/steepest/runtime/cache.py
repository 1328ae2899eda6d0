"""Machine code on disk, so that a program is compiled once for a machine and not once a run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, final

from steepest.runtime.machine_code import llvm_version
from steepest.runtime.processor import Processor

MOST_BYTES = 256 * 2**20

_MAGIC = b"steepest"
_FORMAT = 1
_HEADER = struct.Struct("<8sIQQ32s32s")  # magic, format, two lengths, key, checksum
_SUFFIX = ".program"
_UNFINISHED = ".unfinished-"
_HOUR = 3600.0
_COMPILER = ("ir", "ops", "rewrite", "schedule", "codegen", "runtime", "compile.py")


@final
class Entry(NamedTuple):
    """What is kept of a program: a description that its maker understands, and its object file."""

    description: bytes
    content: bytes


@final
class Usage(NamedTuple):
    """Entries of a cache, and their bytes."""

    entries: int
    size: int


@final
class _File(NamedTuple):
    used: float
    size: int
    path: str


@final
class _Found(NamedTuple):
    """Entries, and what is being written by other processes, or was when they were killed."""

    entries: list[_File]
    unfinished: list[_File]


@final
class ObjectCache:
    """Programs in a folder, by key; the least recently used ones go when it is full.

    Processes may share it. What is damaged, or not ours, is as if it were not there; where the
    folder cannot be made, read or written, nothing is kept, and nothing is said.

    Args:
        folder: where; ``None`` keeps nothing.
        most_bytes: of all entries together.
    """

    def __init__(self, folder: Path | None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most_bytes = most_bytes

    def get(self, key: bytes) -> Entry | None:
        """The entry that was put under a key, if it is there and whole.

        Args:
            key: 32 bytes, from :func:`key_of`.
        """
        if self.folder is None:
            return None
        path = self._path(self.folder, key)
        try:
            with path.open("rb") as file:
                if not _is_ours(os.fstat(file.fileno())):
                    return None
                entry = _unpacked(key, file.read())
        except OSError:
            return None
        if entry is not None:
            with contextlib.suppress(OSError):
                os.utime(path)
        return entry

    def put(self, key: bytes, entry: Entry) -> None:
        """Keep an entry, whole or not at all.

        Args:
            key: 32 bytes, from :func:`key_of`.
            entry: what :meth:`get` will return.
        """
        packed = _packed(key, entry)
        if self.folder is None or len(packed) > self._most_bytes:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(self._path(self.folder, key), packed)
            self._make_room()

    def usage(self) -> Usage:
        """How much is kept."""
        return _usage(self._found().entries)

    def clear(self) -> Usage:
        """Remove all entries.

        Returns:
            What was removed.

        Raises:
            OSError: an entry cannot be removed.
        """
        found = self._found()
        for file in (*found.entries, *found.unfinished):
            Path(file.path).unlink(missing_ok=True)
        return _usage(found.entries)

    def _path(self, folder: Path, key: bytes) -> Path:
        return folder / f"{key.hex()}{_SUFFIX}"

    def _found(self) -> _Found:
        """What is in the folder: quickly, for a full one holds thousands."""
        found = _Found([], [])
        if self.folder is None:
            return found
        with contextlib.suppress(OSError), os.scandir(self.folder) as files:
            for each in files:
                name = each.name
                is_entry = name.endswith(_SUFFIX)
                if is_entry or name.startswith(_UNFINISHED):
                    try:
                        status = each.stat(follow_symlinks=False)
                    except OSError:  # another process has just removed it
                        continue
                    file = _File(status.st_mtime, status.st_size, each.path)
                    (found.entries if is_entry else found.unfinished).append(file)
        return found

    def _make_room(self) -> None:
        """Remove what was used longest ago until the rest fits, and what others left unfinished."""
        found = self._found()
        room = self._most_bytes - _usage(found.entries).size
        gone = [each for each in found.unfinished if time.time() - each.used > _HOUR]
        for file in sorted(found.entries) if room < 0 else ():
            if room >= 0:
                break
            room += file.size
            gone.append(file)
        for file in gone:
            Path(file.path).unlink(missing_ok=True)


def _usage(entries: Sequence[_File]) -> Usage:
    return Usage(len(entries), sum(file.size for file in entries))


def default_folder() -> Path | None:
    """Where this system keeps what can be made again; ``None`` where there is no such place."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        stated, usual = os.environ.get("LOCALAPPDATA"), home / "AppData" / "Local"
    elif sys.platform == "darwin":
        stated, usual = None, home / "Library" / "Caches"
    else:
        stated, usual = os.environ.get("XDG_CACHE_HOME"), home / ".cache"
    # The XDG specification: a relative path is to be ignored.
    place = Path(stated) if stated and Path(stated).is_absolute() else usual
    return place / "steepest"


def key_of(program: bytes, processor: Processor) -> bytes:
    """The key of a program: it changes with all that its machine code depends on.

    Args:
        program: what the compiler starts from, and its options.
        processor: what the machine code is for.
    """
    parts = (
        program,
        compiler_hash(),
        llvm_version().encode(),
        str(processor).encode(),
        processor.features.encode(),
    )
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


@cache
def compiler_hash() -> bytes:
    """A hash of the sources of the compiler, from the ops down to here."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in _sources(root):
        with open(path, "rb", buffering=0) as file:
            content = file.read()
        digest.update(f"{os.path.relpath(path, root)} {len(content)} ".encode())
        digest.update(content)
    return digest.digest()


def _sources(root: Path) -> Iterator[str]:
    for room in _COMPILER:
        place = os.path.join(root, room)
        if room.endswith(".py") and os.path.isfile(place):
            yield place
        for folder, below, names in os.walk(place):
            below.sort()
            yield from (
                os.path.join(folder, each) for each in sorted(names) if each.endswith(".py")
            )


def _packed(key: bytes, entry: Entry) -> bytes:
    lengths = (len(entry.description), len(entry.content))
    checksum = hashlib.sha256(key + entry.description + entry.content).digest()
    return _HEADER.pack(_MAGIC, _FORMAT, *lengths, key, checksum) + b"".join(entry)


def _unpacked(key: bytes, packed: bytes) -> Entry | None:
    """The entry in these bytes, unless anything is wrong with them."""
    if len(packed) < _HEADER.size:
        return None
    magic, version, length, rest, named, checksum = _HEADER.unpack_from(packed)
    start = _HEADER.size
    entry = Entry(packed[start : start + length], packed[start + length :])
    is_whole = (magic, version, named, rest) == (_MAGIC, _FORMAT, key, len(entry.content))
    whole = is_whole and hashlib.sha256(key + b"".join(entry)).digest() == checksum
    return entry if whole else None


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody else can have written a file: it will be run."""
    if sys.platform == "win32":
        return True
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _write_whole(path: Path, content: bytes) -> None:
    handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
