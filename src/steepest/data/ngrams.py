"""A text as codes: its words, pairs of words and pieces of words, hashed.

Codes are the same on every machine and in every version: they are part of a model file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_PIECES = (3, 4)
_MOST_REMEMBERED = 1 << 16  # words whose pieces are kept, so that memory is bounded


def code_of(gram: str, buckets: int) -> int:
    """The code of a gram, 1 to `buckets`: 1 + CRC-32 of its UTF-8 bytes modulo `buckets`.

    >>> code_of("penguin", 1000)
    161
    """
    return 1 + crc32(gram.encode("utf-8", "surrogatepass")) % buckets


def grams(text: str) -> Iterator[str]:
    """The grams of a text: words, then pairs of neighbours, then pieces of 3 and 4 letters.

    Words are runs of letters, digits and underscores, in small letters. Pieces are of "<word>".

    >>> " ".join(grams("Two penguins, two"))[:40]
    'two penguins two two penguins penguins t'
    >>> list(grams("Ab"))
    ['ab', '<ab', 'ab>', '<ab>']
    """
    words = _WORD.findall(text.lower())
    yield from words
    yield from (f"{one} {other}" for one, other in pairwise(words))
    for word in dict.fromkeys(words):
        yield from _pieces(word)


def _pieces(word: str) -> Iterator[str]:
    marked = f"<{word}>"
    for size in _PIECES:
        yield from (marked[place : place + size] for place in range(len(marked) - size + 1))


def bags_of_codes(texts: Sequence[str], buckets: int, length: int) -> NDArray[np.int32]:
    """Hash each text into a row: the first `length` different codes of its grams, then zeros.

    Args:
        texts: any.
        buckets: codes are 1 to this.
        length: codes in a row.

    >>> bags_of_codes(["Ab", ""], 100, 5)
    array([[86, 45, 44, 81,  0],
           [ 0,  0,  0,  0,  0]], dtype=int32)
    """
    found = np.zeros((len(texts), length), dtype=np.int32)
    for row, codes in enumerate(_codes(texts, buckets)):
        kept = codes[:length]
        found[row, : len(kept)] = kept
    return found


def most_codes(texts: Iterable[str], buckets: int, most: int) -> int:
    """How many different codes the longest text has, at most `most`.

    >>> most_codes(["Ab", ""], 100, 64)
    4
    """
    longest = 0
    for codes in _codes(texts, buckets):
        longest = max(longest, len(codes))
        if longest >= most:
            return most
    return longest


def _codes(texts: Iterable[str], buckets: int) -> Iterator[list[int]]:
    """The different codes of each text, in the order of its grams."""
    remembered: dict[str, _Word] = {}
    for text in texts:
        names = _WORD.findall(text.lower())
        if len(remembered) > _MOST_REMEMBERED:
            remembered.clear()
        for name in names:
            if name not in remembered:
                remembered[name] = _Word.of(name, buckets)
        words = [remembered[name] for name in names]
        codes = [1 + word.sum_ % buckets for word in words]
        # The sum of "one other" goes on from that of "one".
        codes += [
            1 + crc32(other.behind_blank, one.sum_) % buckets for one, other in pairwise(words)
        ]
        for name in dict.fromkeys(names):
            codes += remembered[name].pieces
        yield list(dict.fromkeys(codes))


@final
class _Word(NamedTuple):
    """What is remembered of a word: its CRC-32, " word" as bytes, the codes of its pieces."""

    sum_: int
    behind_blank: bytes
    pieces: list[int]

    @classmethod
    def of(cls, name: str, buckets: int) -> _Word:
        encoded = name.encode("utf-8", "surrogatepass")
        pieces = [code_of(piece, buckets) for piece in _pieces(name)]
        return cls(crc32(encoded), b" " + encoded, pieces)
