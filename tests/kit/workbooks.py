"""Workbooks written by hand, cell by cell, so that what reads them is judged by something else."""

from __future__ import annotations

import datetime
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Cell = str | float | bool | datetime.date | datetime.datetime | None
Sheets = Mapping[str, Sequence[Sequence[Cell]]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_EPOCH = datetime.datetime(1899, 12, 30)


def xlsx(sheets: Sheets, *, merged: str = "", far: str = "") -> bytes:
    """An Excel workbook; `merged` is a range such as A1:B1, `far` another cell."""
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(sheets, 1)
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 22))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'{relations}<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs>{styles}</cellXfs></styleSheet>',
    }
    for number, rows in enumerate(sheets.values(), 1):
        body = "".join(
            f'<row r="{row}">{"".join(_xlsx_cell(row, at, cell) for at, cell in enumerate(cells))}'
            "</row>"
            for row, cells in enumerate(rows, 1)
        )
        body += f'<row r="{far[3:]}"><c r="{far}"><v>1</v></c></row>' if far else ""
        both = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData>{both}</worksheet>'
        )
    return _zipped({name: f'<?xml version="1.0"?>{text}' for name, text in parts.items()})


def _xlsx_cell(row: int, column: int, cell: Cell) -> str:
    at = f'r="{chr(ord("A") + column)}{row}"'
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return f'<c {at} t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, str) and cell.startswith("#"):
        return f'<c {at} t="e"><v>{cell}</v></c>'
    if isinstance(cell, str):
        text = escape(cell)
        return f'<c {at} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    if isinstance(cell, datetime.datetime):
        return f'<c {at} s="2"><v>{(cell - _EPOCH) / datetime.timedelta(days=1)!r}</v></c>'
    if isinstance(cell, datetime.date):
        return f'<c {at} s="1"><v>{(cell - _EPOCH.date()).days}</v></c>'
    return f"<c {at}><v>{cell!r}</v></c>"


def ods(sheets: Sheets) -> bytes:
    """An OpenDocument spreadsheet."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    tables = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(
            f"<table:table-row>{''.join(map(_ods_cell, cells))}</table:table-row>" for cells in rows
        )
        + "</table:table>"
        for name, rows in sheets.items()
    )
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{office}:office:1.0" '
        f'xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0"><office:body>'
        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{office}:manifest:1.0"/>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return _zipped(
        {"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest},
        method=zipfile.ZIP_STORED,
    )


def _ods_cell(cell: Cell) -> str:
    if cell is None or (isinstance(cell, str) and cell.startswith("#")):
        return "<table:table-cell/>"
    if isinstance(cell, bool):
        kind, value = "boolean", f'office:boolean-value="{str(cell).lower()}"'
    elif isinstance(cell, str):
        kind, value = "string", ""
    elif isinstance(cell, datetime.date):
        kind, value = "date", f'office:date-value="{cell.isoformat()}"'
    else:
        kind, value = "float", f'office:value="{cell!r}"'
    text = escape(str(cell))
    return (
        f'<table:table-cell office:value-type="{kind}" {value}><text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def _zipped(parts: Mapping[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def xls(sheets: Sheets) -> bytes:
    """An old Excel workbook: BIFF8 records in a compound file. Dates are written as text."""
    bodies = [_biff_sheet(rows) for rows in sheets.values()]
    begin, end = _record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0)), _record(0x000A)
    lengths = [len(_bound(name, 0)) for name in sheets]
    offset = len(begin) + sum(lengths) + len(end)
    bounds = b""
    for name, body in zip(sheets, bodies, strict=True):
        bounds += _bound(name, offset)
        offset += len(body)
    return _compound(begin + bounds + end + b"".join(bodies))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _bound(name: str, offset: int) -> bytes:
    text = name.encode("utf-16-le")
    return _record(0x0085, struct.pack("<IBBBB", offset, 0, 0, len(name), 1) + text)


def _biff_sheet(rows: Sequence[Sequence[Cell]]) -> bytes:
    body = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            at = struct.pack("<HHH", row, column, 0)
            if cell is None or (isinstance(cell, str) and cell.startswith("#")):
                continue
            if isinstance(cell, bool):
                body += _record(0x0205, at + bytes([cell, 0]))
            elif isinstance(cell, (int, float)):
                body += _record(0x0203, at + struct.pack("<d", cell))
            else:
                text = str(cell)
                data = struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")
                body += _record(0x0204, at + data)
    return body + _record(0x000A)


def _compound(stream: bytes) -> bytes:
    """A compound file with one stream: header, the FAT, the directory, the stream's sectors."""
    stream = stream.ljust(4096, b"\0")
    sectors = -(-len(stream) // 512)
    free, last = 0xFFFFFFFF, 0xFFFFFFFE
    chain = [0xFFFFFFFD, last, *range(3, 2 + sectors), last]
    fat = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, last, 0, last, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    directory = _entry("Root Entry", 5, 1, last, 0) + _entry("Workbook", 2, free, 2, len(stream))
    return header + fat + directory.ljust(512, b"\0") + stream.ljust(512 * sectors, b"\0")


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    links = struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child)
    entry = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + links
    return entry + bytes(36) + struct.pack("<IQ", start, size)
