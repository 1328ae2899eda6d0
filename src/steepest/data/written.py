"""Numbers as people write them: "1.609,13", "$1,001.50", "12 %", "(3.50)"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import Table, TextColumn, parse_number
from steepest.errors import DataError, clipped

Sign: TypeAlias = Literal["", "point", "comma"]
"""Which sign stands before decimals in numbers that are written for people; "" for none such."""

# Named currencies only: three capitals and digits may be a product's code.
_UNIT = (
    r"[$€£¥₹₽₩₺₫₴₪₦₱%]|USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|BRL|kr|zł|Kč|US\$|R\$"
)
_DECORATED = re.compile(
    rf"(?P<open>\()?(?P<minus>[+−-])?\s?(?P<before>{_UNIT})?\s?(?P<later>[+−-])?"
    rf"(?P<digits>[\d.,'’ \u00a0\u202f]*\d)\s?(?P<after>{_UNIT})?(?P<close>\))?"
)
_BLANKS = r"[ '’\u00a0\u202f]"


def _form(decimal: str, group: str) -> re.Pattern[str]:
    groups = rf"[1-9]\d{{0,2}}(?:(?:{group}\d{{3}})+|(?:{_BLANKS}\d{{3}})+)"
    return re.compile(rf"(?:{groups}|\d+)(?:{decimal}\d+)?|{decimal}\d+")


_FORMS = {"point": _form(r"\.", ","), "comma": _form(",", r"\.")}
_GROUP = {"point": re.compile(rf",|{_BLANKS}"), "comma": re.compile(rf"\.|{_BLANKS}")}
_TRIED = 500  # levels that tell whether the others are worth reading
_MARKS = re.compile(r"[.,]")
_OTHER: dict[Sign, Sign] = {"point": "comma", "comma": "point"}


@final
@dataclass(frozen=True)
class _Parts:
    """A number's sign, its digits as written, and what it counts."""

    negative: bool
    digits: str
    unit: str

    def fits(self, sign: Sign) -> bool:
        """Whether it can be read so."""
        return _FORMS[sign].fullmatch(self.digits) is not None

    @property
    def is_small(self) -> bool:
        """A whole number that needs no groups."""
        return _MARKS.search(self.digits) is None and len(self.digits) < 4


def parse_written(text: str, sign: Sign) -> float | None:
    """Read one number, or None where the text is not one.

    A currency's sign and % count for nothing: "12 %" is 12. Brackets are a minus.

    Args:
        text: as it is written.
        sign: "point" or "comma", before decimals; the other one is between groups.

    >>> parse_written("$1,001.50", "point"), parse_written("1.609,13 €", "comma")
    (1001.5, 1609.13)
    >>> parse_written("(12 %)", "point"), parse_written("12 km", "point")
    (-12.0, None)
    """
    parts = _parts(text)
    if parts is None or not parts.fits(sign):
        return parse_number(text, "," if sign == "comma" else ".")
    digits = _GROUP[sign].sub("", parts.digits).replace(",", ".")
    return -float(digits) if parts.negative else float(digits)


def written_numbers(
    column: TextColumn, sign: Sign
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read a column: (values with NaN, True where text stands that is no number)."""
    parsed = [parse_written(level, sign) for level in column.levels]
    values = np.array([*(np.nan if each is None else each for each in parsed), np.nan])
    wrong = np.array([*(each is None for each in parsed), False])
    return values[column.codes], wrong[column.codes]


def sign_of(table: Table, name: str, column: TextColumn, remedy: str) -> Sign:
    """Find how a column that is no plain numbers writes its numbers; "" if it mostly holds others.

    Args:
        table: for the row's place.
        name: of the column.
        column: as the file writes it.
        remedy: what else to do, for the end of a message.

    Raises:
        DataError: most values are such numbers, but not all, or they have several units, or it
            cannot be told which sign is the decimals'; names a row.
    """
    counts = column.counts()
    used = [column.levels[code] for code in np.flatnonzero(counts)]
    if not _may_be_numbers(column, counts):
        return ""
    plain = {each for each in used if parse_number(each, column.decimal) is not None}
    parts = {each: found for each in used if (found := _parts(each)) and _fits_any(found)}
    decimals = len(plain) < len(used) and all(each in plain or each in parts for each in used)
    if not decimals and not _is_written(used, plain, parts):
        return ""
    rows = dict(zip(column.levels, counts.tolist(), strict=True))
    present = sum(rows.values())
    like = sum(rows[each] for each in used if each in plain or each in parts)
    if 2 * like <= present:
        return ""
    refusal = _Refusal(table, name, column, remedy)
    for each in used:
        if each not in plain and each not in parts:
            raise refusal(
                each, f"stands in a column where {like} of {present} values are numbers; if it "
                "marks a missing value name it (--missing), or "
            )  # fmt: skip
    _check_units(used, parts, refusal)
    return _decide(parts, column, refusal)


def _may_be_numbers(column: TextColumn, counts: NDArray[np.intp]) -> bool:
    """Look at some of many levels, so that a long text costs no more than a short one."""
    used = np.flatnonzero(counts)
    tried = used[:: max(1, len(used) // _TRIED)]
    like = [
        code
        for code in tried
        if parse_number(column.levels[code], column.decimal) is not None
        or _parts(column.levels[code]) is not None
    ]
    return 4 * int(counts[like].sum()) > int(counts[tried].sum())


@final
@dataclass(frozen=True)
class _Refusal:
    """Makes the error about a value of a column."""

    table: Table
    name: str
    column: TextColumn
    remedy: str

    def __call__(self, level: str, told: str) -> DataError:
        row = int(np.flatnonzero(self.column.codes == self.column.levels.index(level))[0])
        return DataError(
            f"{self.table.place(row, self.name)}: {clipped(level)!r} {told}{self.remedy}"
        )


def _parts(text: str) -> _Parts | None:
    found = _DECORATED.fullmatch(text)
    if found is None or (found["open"] is None) != (found["close"] is None):
        return None
    if found["before"] and found["after"]:
        return None
    marks = {found["minus"], found["later"]} & {"-", "−"}
    unit = found["before"] or found["after"] or ""
    return _Parts(bool(marks) or found["open"] is not None, found["digits"], unit)


def _fits_any(parts: _Parts) -> bool:
    return parts.fits("point") or parts.fits("comma")


def _is_written(used: Sequence[str], plain: set[str], parts: dict[str, _Parts]) -> bool:
    """Whether some value is more than a number with a decimal sign."""
    return any(
        each not in plain
        and each in parts
        and (parts[each].unit or each[0] == "(" or _has_groups(parts[each]))
        for each in used
    )


def _has_groups(parts: _Parts) -> bool:
    """Whether it has groups, or may have; "0,123" and "1,5" have none."""
    return any(
        parts.fits(sign) and _GROUP[sign].search(parts.digits) is not None
        for sign in ("point", "comma")
    )


def _check_units(used: Sequence[str], parts: dict[str, _Parts], refusal: _Refusal) -> None:
    first: dict[str, str] = {}
    for each in used:
        unit = parts[each].unit if each in parts else ""
        if unit or parse_written(each, "point") != 0:  # 0 is 0 in every unit
            first.setdefault(unit, each)
    if "%" not in first:
        first.pop("", None)  # a sum of money without its sign
    if len(first) > 1:
        one, other = list(first.values())[:2]
        raise refusal(other, f"has another unit than {one!r}; write the column in one unit, or ")


def _decide(parts: dict[str, _Parts], column: TextColumn, refusal: _Refusal) -> Sign:
    """Which sign is the decimals': what only one reading allows, else what a small number shows."""
    proofs: dict[Sign, str] = {}
    unclear: dict[str, str] = {}
    for level, each in parts.items():
        mark = _MARKS.search(each.digits)
        if mark is None:
            continue
        possible: list[Sign] = [sign for sign in _OTHER if each.fits(sign)]
        if len(possible) == 1:
            proofs.setdefault(possible[0], level)
        else:
            unclear.setdefault(mark[0], level)
    if len(proofs) > 1 or (len(unclear) > 1 and not proofs):
        one, other = list((proofs or unclear).values())[:2]
        raise refusal(other, f"and {one!r} take opposite signs for decimals; write them alike, or ")
    if proofs:
        return next(iter(proofs))
    if not unclear:
        return "comma" if column.decimal == "," else "point"
    mark, level = next(iter(unclear.items()))
    if column.decimal == ",":  # as the rest of the file shows
        return "comma"
    if any(each.is_small for each in parts.values()):
        return "point" if mark == "," else "comma"
    digits = parts[level].digits
    groups, decimals = ("point", "comma") if mark == "," else ("comma", "point")
    given = repr(refusal.name) if " " in refusal.name else refusal.name
    raise refusal(
        level,
        f"may be {digits.replace(mark, '')} or {digits.replace(mark, '.')}, and no value of the "
        f"column shows which; say --types {given}=numeric:{groups} for groups, "
        f"numeric:{decimals} for decimals, or ",
    )


def commonest_unit(levels: Sequence[str]) -> str:
    """Name the unit that numbers are written with, "" for none.

    >>> commonest_unit(["$1,001.50", "$3", "7"])
    '$'
    """
    units = Counter(found.unit for level in levels if (found := _parts(level)) and found.unit)
    return units.most_common(1)[0][0] if units else ""
