"""What every error has: what happened, to what, what is safe, what to do, and whether a retry makes sense."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Self


class Retry(Enum):
    """Does trying again make sense?"""

    NEVER = "never"
    """The same input gives the same failure: a person has to change something."""
    SOON = "soon"
    """A passing fault (a time-out, a 503): retry with back-off."""
    LATER = "later"
    """Somebody else's limit or outage: retry in the next run."""


class MunimentError(Exception):
    """Root of everything Muniment raises on purpose.

    Args:
        what: what happened, one sentence.
        to: which source, object, row or item it happened to (an id, a key, a file of ours).
        safe: what is certainly unharmed.
        todo: what a person should do next.
    """

    code: ClassVar[str] = "M000"
    retry: ClassVar[Retry] = Retry.NEVER
    default_safe: ClassVar[str] = "Nothing was written; earlier snapshots are unharmed."
    default_todo: ClassVar[str] = "Run `muniment doctor`, and see docs/ERRORS.md."

    def __init__(self, what: str, *, to: str = "", safe: str = "", todo: str = "") -> None:
        self.what = what
        self.to = to
        self.safe = safe or self.default_safe
        self.todo = todo or self.default_todo
        super().__init__(self.render())

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive pickling by default, and Airflow
        # pickles them between its processes.
        return (_rebuild, (type(self), self.what, self.to, self.safe, self.todo))

    def render(self) -> str:
        """The four answers as one block of text, the code first."""
        lines = [f"[{self.code}] {self.what}"]
        if self.to:
            lines.append(f"  where: {self.to}")
        lines.append(f"  safe:  {self.safe}")
        lines.append(f"  to do: {self.todo}")
        return "\n".join(lines)

    def at(self, to: str) -> Self:
        """The same error with the place where it happened, for a caller who knows it better."""
        return type(self)(self.what, to=self.to or to, safe=self.safe, todo=self.todo)

    def as_dict(self) -> dict[str, str]:
        """For `--json` and alerts."""
        return {
            "code": self.code,
            "what": self.what,
            "to": self.to,
            "safe": self.safe,
            "todo": self.todo,
            "retry": self.retry.value,
        }


def _rebuild(kind: type[MunimentError], what: str, to: str, safe: str, todo: str) -> MunimentError:
    return kind(what, to=to, safe=safe, todo=todo)
