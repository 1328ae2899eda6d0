"""The cache on disk: whatever happens to its files, it gives what was put in, or nothing."""

import hashlib
import multiprocessing
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from steepest.runtime import cache as cache_file
from steepest.runtime.cache import Entry, ObjectCache, Usage, default_folder, key_of
from steepest.runtime.processor import this_processor

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
ENTRY = Entry(b"a description", bytes(range(256)) * 4)
ANOTHER = Entry(b"", b"other code")


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_is_put_is_got(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "deep" / "folder")
    assert cache.get(KEY) is None
    cache.put(KEY, ENTRY)
    cache.put(OTHER, ANOTHER)
    assert (cache.get(KEY), cache.get(OTHER)) == (ENTRY, ANOTHER)
    assert ObjectCache(tmp_path / "deep" / "folder").get(KEY) == ENTRY
    cache.put(KEY, ANOTHER)
    assert cache.get(KEY) == ANOTHER


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_the_folder_is_for_nobody_else(tmp_path: Path) -> None:
    ObjectCache(tmp_path / "folder").put(KEY, ENTRY)
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == stat.S_IRWXU


@given(st.data())
def test_a_damaged_entry_is_as_if_it_were_not_there(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = ObjectCache(folder)
    cache.put(KEY, ENTRY)
    path = only_file(folder)
    whole = path.read_bytes()
    damage = data.draw(st.sampled_from(["cut", "flipped", "longer", "foreign", "empty"]))
    position = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[position] ^ data.draw(st.integers(1, 255))])
    path.write_bytes(
        {
            "cut": whole[:position],
            "flipped": whole[:position] + flipped + whole[position + 1 :],
            "longer": whole + b"\0",
            "foreign": b"\x7fELF" + whole[4:],
            "empty": b"",
        }[damage]
    )
    assert cache.get(KEY) is None
    cache.put(KEY, ANOTHER)
    assert cache.get(KEY) == ANOTHER


def test_an_entry_under_another_key_is_not_taken(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    cache.put(KEY, ENTRY)
    only_file(tmp_path).rename(tmp_path / f"{OTHER.hex()}.program")
    assert cache.get(OTHER) is None


def test_an_entry_of_another_format_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ObjectCache(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(cache_file, "_FORMAT", 99)
        cache.put(KEY, ENTRY)
        assert cache.get(KEY) == ENTRY
    assert cache.get(KEY) is None


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX's")
def test_what_others_may_write_is_not_run(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    cache.put(KEY, ENTRY)
    path = only_file(tmp_path)
    assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    path.chmod(0o666)
    assert cache.get(KEY) is None


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX's")
def test_what_others_wrote_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path)
    cache.put(KEY, ENTRY)
    monkeypatch.setattr(os, "getuid", lambda: only_file(tmp_path).stat().st_uid + 1)
    assert cache.get(KEY) is None


def test_no_folder_keeps_nothing() -> None:
    cache = ObjectCache(None)
    cache.put(KEY, ENTRY)
    assert cache.get(KEY) is None
    assert cache.usage() == cache.clear() == Usage(0, 0)


def test_a_file_in_the_folders_place_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for cache in (ObjectCache(tmp_path / "file"), ObjectCache(tmp_path / "file" / "below")):
        cache.put(KEY, ENTRY)
        assert cache.get(KEY) is None
        assert cache.usage() == Usage(0, 0)


def refuse(*arguments: object, **named: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("function", ["mkdir", "open"])
def test_a_folder_that_refuses_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    cache = ObjectCache(tmp_path)
    monkeypatch.setattr(Path, function, refuse)
    monkeypatch.setattr(cache_file.tempfile, "mkstemp", refuse)
    cache.put(KEY, ENTRY)
    assert cache.get(KEY) is None


def test_a_folder_that_can_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path)
    cache.put(KEY, ENTRY)
    # The superuser may write anywhere, so the refusal is acted.
    monkeypatch.setattr(cache_file.tempfile, "mkstemp", refuse)
    monkeypatch.setattr(os, "utime", refuse)
    cache.put(OTHER, ANOTHER)
    assert cache.get(KEY) == ENTRY
    assert cache.get(OTHER) is None


def test_a_full_disk_leaves_the_old_entry_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ObjectCache(tmp_path)
    cache.put(KEY, ENTRY)
    monkeypatch.setattr(os, "replace", refuse)
    cache.put(KEY, ANOTHER)
    assert cache.get(KEY) == ENTRY
    only_file(tmp_path)


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    keys = [bytes([number]) * 32 for number in range(5)]
    size = 1000
    cache = ObjectCache(tmp_path, most_bytes=3 * (size + 200))
    for age, key in enumerate(keys[:3]):
        cache.put(key, Entry(b"", bytes(size)))
        os.utime(tmp_path / f"{key.hex()}.program", (1000 + age, 1000 + age))
    assert cache.get(keys[0]) is not None  # used now, so it is not the oldest any more
    cache.put(keys[3], Entry(b"", bytes(size)))
    assert [cache.get(key) is not None for key in keys] == [True, False, True, True, False]
    assert cache.usage().size <= 3 * (size + 200)


def test_an_entry_that_another_process_removes_first_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ObjectCache(tmp_path, most_bytes=3000)
    cache.put(KEY, ENTRY)
    cache.put(bytes(32), ENTRY)
    remove = Path.unlink

    def late(path: Path, missing_ok: bool = False) -> None:
        remove(path)
        remove(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", late)
    cache.put(OTHER, Entry(b"", bytes(2800)))
    assert cache.usage().entries == 1
    (tmp_path / ".unfinished-abc").write_bytes(b"half")
    assert cache.clear().entries == 1
    assert list(tmp_path.iterdir()) == []


def test_an_entry_larger_than_all_is_not_kept(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, most_bytes=2000)
    cache.put(KEY, ENTRY)
    cache.put(OTHER, Entry(b"", bytes(3000)))
    assert cache.get(KEY) == ENTRY
    assert cache.get(OTHER) is None


def test_usage_and_clearing_leave_other_files_alone(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / ".unfinished-abc").write_bytes(b"half")
    cache.put(KEY, ENTRY)
    cache.put(OTHER, ANOTHER)
    usage = cache.usage()
    files = [path for path in tmp_path.iterdir() if path.suffix == ".program"]
    assert usage == Usage(2, sum(path.stat().st_size for path in files))
    assert cache.clear() == usage
    assert cache.usage() == Usage(0, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_was_left_unfinished_long_ago_is_removed(tmp_path: Path) -> None:
    old, new = tmp_path / ".unfinished-old", tmp_path / ".unfinished-new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    ObjectCache(tmp_path).put(KEY, ENTRY)
    assert not old.exists()
    assert new.exists()


def fill(folder: Path, number: int) -> int:
    """Put and get one key many times; how often something else came back."""
    cache = ObjectCache(folder, most_bytes=50_000)
    wrong = 0
    for turn in range(60):
        content = bytes([number, turn]) * 3000
        cache.put(KEY, Entry(hashlib.sha256(content).digest(), content))
        found = cache.get(KEY)
        wrong += found is not None and hashlib.sha256(found.content).digest() != found.description
        cache.put(bytes([number, turn] * 16), ANOTHER)
    return wrong


def test_processes_fill_one_cache(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        wrong = pool.starmap(fill, [(tmp_path, number) for number in range(2)])
    assert wrong == [0, 0]
    assert ObjectCache(tmp_path).get(KEY) is not None
    assert not list(tmp_path.glob(".unfinished*"))


def test_keys_tell_programs_and_processors_apart() -> None:
    here = this_processor()
    keys = {
        key_of(b"program", here),
        key_of(b"another", here),
        key_of(b"program", here.restricted(4)),
        key_of(b"program", replace(here, name="another")),
        key_of(b"program", replace(here, triple="another")),
    }
    assert len(keys) == 5
    assert key_of(b"program", here) == key_of(b"program", here)
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("function", ["compiler_hash", "llvm_version"])
def test_a_new_compiler_has_new_keys(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    before = key_of(b"program", this_processor())
    known = getattr(cache_file, function)()
    changed = known[:-1] + (b"x" if isinstance(known, bytes) else "x")
    monkeypatch.setattr(cache_file, function, lambda: changed)
    assert key_of(b"program", this_processor()) != before


@pytest.mark.parametrize(
    "name",
    [f"{room}/new.py" for room in ("ir", "ops", "rewrite", "schedule", "codegen", "runtime")]
    + ["ops/deep/new.py", "compile.py"],
)
def test_the_hash_covers_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(cache_file, "__file__", str(tmp_path / "runtime" / "cache.py"))
    compiler_hash = cache_file.compiler_hash.__wrapped__
    hashes = [compiler_hash()]
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    for text in ("one = 1", "two = 2"):
        (tmp_path / name).write_text(text)
        hashes.append(compiler_hash())
    assert len(set(hashes)) == 3
    assert compiler_hash() == hashes[-1]


@pytest.mark.parametrize(
    ("platform", "stated", "expected"),
    [
        ("linux", {}, ".cache/steepest"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/steepest"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, ".cache/steepest"),
        ("linux", {"XDG_CACHE_HOME": ""}, ".cache/steepest"),
        ("darwin", {"XDG_CACHE_HOME": "/elsewhere"}, "Library/Caches/steepest"),
        ("win32", {}, "AppData/Local/steepest"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/steepest"),
    ],
)
def test_the_folder_is_where_the_system_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch, platform: str, stated: dict[str, str], expected: str
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert default_folder() == Path.home() / expected


def test_without_a_home_there_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert default_folder() is None
