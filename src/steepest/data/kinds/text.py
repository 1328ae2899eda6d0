"""Free text: its words, pairs and pieces of words as a bag of codes that share an embedding."""

from __future__ import annotations

import re
from typing import final

import numpy as np
from msgspec import Struct

from steepest.data.kinds.kind import Bag, Fitting, Inputs, Kind, Layout, Sight
from steepest.data.ngrams import bags_of_codes, most_codes
from steepest.data.schema import Feature
from steepest.data.table import Table, TextColumn
from steepest.errors import clipped

MOSTLY_DISTINCT = 0.5
"""From this share of different values on, sentences are texts and not levels."""

FEWEST_WORDS = 3.0
"""Words that texts have on average, at least."""

_LETTERS = re.compile(r"[^\W\d_]{2}")
_TRIED = 1000  # levels whose words are counted
_MEASURED = 5000  # texts whose codes are counted; one that is longer than all of them is cut


@final
class FreeTextColumn(Struct, frozen=True, kw_only=True, tag_field="kind", tag="text"):
    """A text as the codes of its grams, see `steepest.data.ngrams.grams`; a missing one has none.

    Attributes:
        name: of the column.
        buckets: codes are 1 to this.
        length: codes of a row; a text with more is cut.
        indicator: a column in "numeric", 1 where the text is missing.
    """

    name: str
    buckets: int
    length: int
    indicator: bool

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        if self.buckets < 1 or not 1 <= self.length <= 1 << 20:
            raise ValueError("a bag has codes, and a length")

    @property
    def layout(self) -> Layout:
        """A bag, and the indicator."""
        names = (f"{self.name} is missing",) * self.indicator
        return Layout(numeric=names, bag=Bag(self.buckets, self.length))

    @property
    def keeps_text(self) -> bool:
        """Digits are words."""
        return True

    def transform(self, table: Table) -> Inputs:
        """Hash the texts."""
        text = table.column(self.name).as_text()
        used = np.flatnonzero(text.counts())
        place = np.full(len(text.levels) + 1, len(used))  # the last is the empty text
        place[used] = np.arange(len(used))
        texts = [*(text.levels[code] for code in used), ""]
        bags = bags_of_codes(texts, self.buckets, self.length)[place[text.codes]]
        if not self.indicator:
            return {"bags": bags}
        return {"bags": bags, "numeric": text.missing.astype(np.float32)[:, None]}

    def unseen(self, table: Table) -> tuple[str, ...]:
        """Texts are new as a rule."""
        return ()


def _recognise(sight: Sight) -> Feature | str | None:
    levels = sight.levels
    if not isinstance(sight.column, TextColumn) or len(levels) < MOSTLY_DISTINCT * sight.present:
        return None
    words = [_words(level) for level in levels[:: max(1, len(levels) // _TRIED)]]
    return _describe(sight) if np.mean(words) >= FEWEST_WORDS else None


def _words(text: str) -> int:
    """Count what stands between blanks and holds two letters in a row."""
    return sum(_LETTERS.search(part) is not None for part in text.split())


def _describe(sight: Sight) -> Feature | str:
    if len(sight.levels) == 1 and not sight.missing:
        return f"the same value in every row ({clipped(sight.levels[0], 24)})"
    lengths = [len(level.split()) for level in sight.levels[:_TRIED]]
    detail = (
        f"free text, {np.mean(lengths):.0f} words on average: {clipped(sight.levels[0], 24)!r}; "
        "its words and their pieces become a learned vector"
    )
    return sight.feature("text", "many words, mostly different", detail)


def _fit(table: Table, feature: Feature, fitting: Fitting) -> FreeTextColumn:
    text = table.column(feature.name).as_text()
    used = np.flatnonzero(text.counts())
    some = (text.levels[code] for code in used[:: max(1, len(used) // _MEASURED)])
    length = most_codes(some, fitting.text_buckets, fitting.text_length)
    return FreeTextColumn(
        name=feature.name,
        buckets=fitting.text_buckets,
        length=max(1, length),
        indicator=bool(text.missing.any()),
    )


TEXT = Kind(
    name="text",
    meaning="free text: its words as a learned vector",
    keeps_text=True,
    recognise=_recognise,
    take=_describe,
    fit=_fit,
    fitted=FreeTextColumn,
)
