"""Execute the notebooks in docs/notebooks/ and write each as a page beside it, with its pictures.

    .venv/bin/python tools/notebooks.py            all of them
    .venv/bin/python tools/notebooks.py NAME       one

A notebook is kept without outputs; a cell that fails or complains (a warning) fails the build.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, cast

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert.exporters import MarkdownExporter
from nbformat import NotebookNode

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
_SECONDS = 120


def notebooks() -> list[Path]:
    """All of them."""
    return sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path, folder: Path) -> NotebookNode:
    """The notebook with what its cells show, run anew in `folder`.

    Raises:
        SystemExit: a cell failed, or wrote to stderr.
    """
    notebook = cast("NotebookNode", nbformat.read(path, as_version=4))  # pyright: ignore[reportUnknownMemberType]
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.outputs:
            raise SystemExit(f"{path.name}: is kept without outputs; clear them")
    resources = {"metadata": {"path": str(folder)}}
    try:
        NotebookClient(notebook, timeout=_SECONDS, resources=resources).execute()
    except CellExecutionError as error:
        raise SystemExit(f"{path.name}: {error}") from None
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(f"{path.name} complains:\n{output.text}\nin\n{cell.source}")
    return notebook


def write_page(path: Path, notebook: NotebookNode) -> Path:
    """Write the page of an executed notebook, its pictures in a folder of its name."""
    body, resources = cast("tuple[str, Any]", MarkdownExporter().from_notebook_node(notebook))  # pyright: ignore[reportUnknownMemberType]
    pictures = path.with_suffix("")
    shutil.rmtree(pictures, ignore_errors=True)
    for name, content in resources["outputs"].items():
        pictures.mkdir(exist_ok=True)
        (pictures / name).write_bytes(content)
        body = body.replace(f"({name})", f"({pictures.name}/{name})")
    page = path.with_suffix(".md")
    page.write_text(body, encoding="utf-8")
    return page


def main(names: list[str]) -> None:
    """Execute and write."""
    import tempfile

    for path in notebooks():
        if not names or path.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                print(write_page(path, executed(path, Path(folder))).relative_to(FOLDER.parent))


if __name__ == "__main__":
    main(sys.argv[1:])
