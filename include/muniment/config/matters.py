"""MatterRules: which matter an item belongs to, read from where it lies, or from what its system calls
the matter.

Invariants: the first rule that matches a path decides; a path that no rule matches is unassigned,
never guessed; a path that is no UTF-8 is matched like any other. The language of patterns is that
of `muniment.config.patterns`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from muniment.config.patterns import NUMBER, PLACEHOLDERS, number_shape, parse_pattern
from muniment.config.policy import MatterRule
from muniment.model.item import Named

_REMEMBERED_FOLDERS = 65_536
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")


class Assignment(NamedTuple):
    """The matter that a path names. Stands only inside sealed objects; logs carry the opaque id.

    `title` is what people call it; where a rule has both `{client}` and `{title}`, both, with
    ` - ` between.
    """

    number: str
    title: str


def normal_number(text: str) -> str:
    """A matter number as it is compared: no space around it, plain hyphens, plain digits.

    Word processors and telephones put typographic dashes where a person typed a hyphen.
    """
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip()


def as_named(found: _HasNumber | None, named: Named) -> Assignment:
    """What the rules made of a matter that its system names; without a rule for it, its name there is its
    number. The system's title counts where the rules took none."""
    if found is None:
        text = normal_number(named.text.decode("utf-8", "backslashreplace"))
        return Assignment(text, named.title)
    return Assignment(found.number, found.title or named.title)


class _HasNumber(Protocol):
    @property
    def number(self) -> str: ...

    @property
    def title(self) -> str: ...


class MatterRules:
    """The rules of one source as one compiled expression. Not to be shared between threads."""

    def __init__(self, expression: re.Pattern[bytes] | None, depth: int | None) -> None:
        self._expression = expression
        self._depth = depth
        self._by_folder: dict[bytes, Assignment | None] = {}

    @classmethod
    def compile(cls, rules: Sequence[MatterRule], source: str) -> MatterRules:
        """The rules that name `source`, in their order."""
        own = [rule for rule in rules if rule.source == source]
        if not own:
            return cls(None, None)
        parsed = [
            parse_pattern(
                rule.pattern,
                PLACEHOLDERS,
                group=str(place),
                number=number_shape(rule.number) if rule.number else NUMBER,
            )
            for place, rule in enumerate(own)
        ]
        alternatives = b"|".join(b"(?P<r%d>%s)" % (n, p.expression) for n, p in enumerate(parsed))
        depths = [p.segments for p in parsed]
        depth = None if None in depths else max(d for d in depths if d is not None)
        return cls(re.compile(alternatives, re.DOTALL), depth)

    def match(self, native_id: bytes) -> Assignment | None:
        """The matter of a path relative to the source's root, or None when no rule maps it."""
        if self._expression is None:
            return None
        if self._depth is None:
            return self._search(native_id)
        # Every rule ends in /**: below the deepest named folder, the folder alone decides.
        folder = native_id[: max(native_id.rfind(b"/"), 0)]
        if folder in self._by_folder:
            return self._by_folder[folder]
        found = self._search(native_id)
        if self.by_folder(folder):
            if len(self._by_folder) >= _REMEMBERED_FOLDERS:
                self._by_folder.clear()
            self._by_folder[folder] = found
        return found

    def by_folder(self, folder: bytes) -> bool:
        """Is all that lies directly in this folder of one matter, or all of it of none?"""
        if self._expression is None:
            return True
        return self._depth is not None and bool(folder) and folder.count(b"/") + 1 >= self._depth

    def _search(self, path: bytes) -> Assignment | None:
        assert self._expression is not None
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        taken = {
            name.rstrip("0123456789"): value
            for name, value in found.groupdict().items()
            if value is not None
        }
        number = normal_number(taken["number"].decode("ascii"))
        words = [
            taken[name].decode("utf-8", "backslashreplace").strip()
            for name in ("client", "title")
            if name in taken
        ]
        return Assignment(number, " - ".join(word for word in words if word))
