"""MailRules: which matter a message, an event or a file belongs to, by the clues that it shows.

Invariants: the first rule that matches decides, in the order of firm.yaml; what none matches is unassigned. The language
of patterns is that of `muniment.config.patterns`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from muniment.config.matters import Assignment, normal_number
from muniment.config.patterns import PLACEHOLDERS, parse_pattern

_LONGEST = 1000
"""Characters of a subject that are looked at: what matches slowly must not be long."""


@dataclass(frozen=True, slots=True)
class _Rule:
    clue: str
    expression: re.Pattern[bytes]
    matter: str

    def match(self, texts: Sequence[str]) -> Assignment | None:
        for text in texts:
            found = self.expression.fullmatch(text[:_LONGEST].encode("utf-8", "replace"))
            if found is None:
                continue
            taken = {
                k.rstrip("0123456789"): v for k, v in found.groupdict().items() if v is not None
            }
            number = taken["number"].decode() if "number" in taken else self.matter
            words = [taken[n].decode("utf-8", "replace").strip() for n in ("client", "title") if n in taken]  # fmt: skip
            return Assignment(normal_number(number), " - ".join(word for word in words if word))
        return None


class ClueRule(Protocol):
    """A rule of firm.yaml: the clue it goes by with its pattern, and the matter where the pattern has no number."""

    @property
    def clue(self) -> tuple[str, str]: ...

    @property
    def matter(self) -> str | None: ...


class MailRules:
    """The rules of one source."""

    def __init__(self, rules: Sequence[ClueRule]) -> None:
        self._rules = [_compiled(rule) for rule in rules]
        self.mark = hashlib.sha256(repr([(r.clue, r.matter) for r in rules]).encode()).hexdigest()[:16]  # fmt: skip

    @property
    def by_folder(self) -> bool:
        return any(rule.clue == "folder" for rule in self._rules)

    def match(
        self, *, folder: str = "", categories: Sequence[str] = (), subject: str = "", addresses: Sequence[str] = ()
    ) -> Assignment | None:  # fmt: skip
        """None where no rule matches."""
        if not self._rules:
            return None
        held = {
            "folder": [folder] if folder else [],
            "category": [_flat(one) for one in categories],
            "subject": [_flat(subject)] if subject else [],
            "address": [one.lower() for one in addresses],
        }
        for rule in self._rules:
            found = rule.match(held[rule.clue])
            if found is not None:
                return found
        return None


def _compiled(rule: ClueRule) -> _Rule:
    name, text = rule.clue
    parsed = parse_pattern(
        text.lower() if name == "address" and "{" not in text else text, PLACEHOLDERS
    )
    return _Rule(name, re.compile(parsed.expression, re.DOTALL), rule.matter or "")


def _flat(text: str) -> str:
    """A slash is the end of a folder's name in a pattern, and here it is none."""
    return text.replace("/", "\u2215")
