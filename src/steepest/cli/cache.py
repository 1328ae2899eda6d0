"""`steepest cache`: the machine code kept on disk, and how to be rid of it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from steepest.cli.flags import Json


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all entries.")] = False,
    json_: Json = False,
) -> None:
    r"""Show, or clear, what is kept of compiled training steps.

    It lets the next fit of the same network start sooner; removing it does no harm.

    \b
    Examples:
      steepest cache
      steepest cache --clear
    """
    from steepest.runtime.cache import MOST_BYTES, ObjectCache, default_folder
    from steepest.runtime.memory import size_text

    kept = ObjectCache(default_folder())
    removed = kept.clear() if clear else None
    usage = kept.usage()
    if json_:
        document: dict[str, object] = {
            "folder": None if kept.folder is None else str(kept.folder),
            "entries": usage.entries,
            "bytes": usage.size,
        }
        if removed is not None:
            document["removed"] = {"entries": removed.entries, "bytes": removed.size}
        print(json.dumps(document, sort_keys=True))
        return
    if removed is not None:
        print(f"removed  {removed.entries} entries, {size_text(removed.size)}")
    print(f"folder   {kept.folder or 'none: this system has no place for it'}")
    print(f"entries  {usage.entries}")
    print(f"size     {size_text(usage.size)} (at most {size_text(MOST_BYTES)})")
