"""State texts: the version marks of many items, joined.

Marks of an API are told apart for each item (an ETag, four digests of a message): as objects a million of them are larger
than all the columns of a state.
"""

from __future__ import annotations

from array import array

_NEWEST = 4096
"""So many texts that came last are found again when they come once more: few marks that repeat are kept once."""

_SURROGATES = "surrogatepass"


class Texts:
    """Texts by number; 0 is the empty one. Only ever added to, so that tables can share one."""

    __slots__ = ("_known", "data", "ends")

    def __init__(self, data: bytearray | None = None, ends: array[int] | None = None) -> None:
        self.data = data if data is not None else bytearray()
        """All of them, UTF-8, one behind the other."""
        self.ends = ends if ends is not None else array("I", [0])
        """Where each ends; the first is empty."""
        self._known: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> str:
        if not number:
            return ""
        return self.data[self.ends[number - 1] : self.ends[number]].decode("utf-8", _SURROGATES)

    def number(self, text: str) -> int:
        """Raises OverflowError when all of them are 4 GiB."""
        if not text:
            return 0
        found = self._known.get(text)
        if found is None:
            self.data += text.encode("utf-8", _SURROGATES)
            found = len(self.ends)
            self.ends.append(len(self.data))
            if len(self._known) >= _NEWEST:
                self._known.clear()
            self._known[text] = found
        return found

    def renumbered(self, other: Texts, column: array[int]) -> array[int]:
        """A column of numbers in `other`, as the numbers of the same texts here."""
        if other is self or column.count(0) == len(column):
            return column
        known = array("I", bytes(4 * len(other)))
        out = array("I")
        for number in column:
            if number and not known[number]:
                known[number] = self.number(other[number])
            out.append(known[number])
        return out

    def compact(self, column: array[int]) -> Texts:
        """Itself where the column names all of them, else none of them."""
        left = bytearray(b"\1") * len(self)
        left[0] = 0
        if len(self) > 1:
            for number in column:
                left[number] = 0
        return Texts() if any(left) else self

    def check(self) -> None:
        """Raises ValueError for what no writer wrote."""
        ends = self.ends
        if not ends or ends[0] or ends[-1] != len(self.data):
            raise ValueError("texts that do not end where they should")
        if any(map(int.__gt__, ends, ends[1:])):
            raise ValueError("texts that end before they begin")
        if not self.data.isascii():
            # Marks of vendors are ASCII. Of others all must be text, and each begin where a character does.
            self.data.decode("utf-8", _SURROGATES)
            if any(at < len(self.data) and self.data[at] & 0xC0 == 0x80 for at in ends):
                raise ValueError("a text that begins within a character")
