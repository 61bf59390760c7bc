"""ConfigIssue and RowError: one wrong thing in one place, in words for who has to mend it.

Invariant: the text says where, what, and what would be right. It never repeats what was typed: a
mistyped cell may hold a client's name, and these texts end in logs and in Airflow's database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from muniment.errors import ConfigError
from muniment.model.value import Value

FIRM_YAML = "firm.yaml"
INVENTORY_CSV = "inventory.csv"


class ConfigIssue(Value, frozen=True):
    """One wrong thing.

    `line` is the line of firm.yaml, or the row of inventory.csv as a spreadsheet counts it (the
    header is row 1); 0 when the whole document is meant. `key` is a dotted key or a column.
    `what` continues "<key> ..."; `right` is a sentence.
    """

    document: str
    key: str
    what: str
    right: str
    line: int = 0

    @property
    def where(self) -> str:
        """`inventory.csv, row 5, column retention`."""
        csv = self.document == INVENTORY_CSV
        words = [self.document]
        if self.line:
            words.append(f"{'row' if csv else 'line'} {self.line}")
        if self.key:
            words.append(f"{'column' if csv else 'key'} {self.key}")
        return ", ".join(words)

    @property
    def text(self) -> str:
        return f"{self.where}: {self.what}. {self.right}"


class RowError(Value, frozen=True):
    """A row of the inventory that cannot be used, and every reason why.

    `source_id` is the row's own, or empty where that is unreadable or taken by an earlier row.
    """

    row: int
    source_id: str
    issues: tuple[ConfigIssue, ...]

    @property
    def label(self) -> str:
        """A name for a DAG: the source id, or `row-7` where there is none."""
        return self.source_id or f"row-{self.row}"

    @property
    def text(self) -> str:
        return "\n".join(issue.text for issue in self.issues)

    def error(self) -> ConfigError:
        """What the task of the config-error DAG raises."""
        return as_error(self.issues)


def as_error(issues: Sequence[ConfigIssue]) -> ConfigError:
    """One ConfigError of one or more issues."""
    first = issues[0]
    places = "; ".join(issue.where for issue in issues)
    what = (
        f"{first.key or first.document} {first.what}"
        if len(issues) == 1
        else f"the configuration has {len(issues)} mistakes: "
        + "; ".join(f"{issue.key or issue.document} {issue.what}" for issue in issues)
    )
    right = " ".join(dict.fromkeys(issue.right for issue in issues))
    return ConfigError(what, to=places, todo=f"{right} Then run `muniment doctor`.")


def suggestion(typed: str, known: Iterable[str]) -> str:
    """` Did you mean \\`retention\\`?`, from the known words only; empty when none is close."""
    from difflib import get_close_matches

    close = get_close_matches(typed.strip().lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`? " if close else ""


def words_of_value_error(text: str) -> tuple[str, str]:
    """Our own validators say `is ...; do ...`: what and right. Nothing of what was typed."""
    what, _, right = text.removeprefix("Value error, ").partition(";")
    right = right.strip() or "See docs/CONFIGURATION.md."
    return what.strip(), right[0].upper() + right[1:] + ("" if right[-1] in ".?" else ".")


def listed_words(known: Iterable[str]) -> str:
    """`a, b or c`."""
    words = [str(word) for word in known]
    if len(words) < 2:
        return "".join(words) or "none yet"
    return f"{', '.join(words[:-1])} or {words[-1]}"
