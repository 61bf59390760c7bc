"""Finding: something a check saw that must not be."""

from __future__ import annotations

from enum import StrEnum

from msgspec import field

from muniment.model.value import Value


class Severity(StrEnum):
    DAMAGE = "damage"
    """Something that a live snapshot needs is missing or changed."""
    TAMPERING = "tampering"
    """Somebody wrote where nobody writes; what readers take as true is unharmed."""
    WARNING = "warning"
    """Nothing is lost, and a person should know."""


class Finding(Value, frozen=True):
    """One finding. Names objects and opaque matter ids only.

    `code` is stable and documented in docs/ERRORS.md; `sources` and `seqs` say which snapshots
    are touched; `keys` says what the finding took: `none`, `operations`.
    """

    code: str
    severity: Severity
    object: str
    what: str
    sources: tuple[str, ...] = ()
    seqs: tuple[int, ...] = ()
    matters: tuple[str, ...] = field(default=())
    keys: str = "none"

    def line(self) -> str:
        touched = f" (snapshots {', '.join(map(str, self.seqs))})" if self.seqs else ""
        shown = ", ".join(self.matters[:10])
        more = f" and {len(self.matters) - 10} more" if len(self.matters) > 10 else ""
        matters = f" (matters {shown}{more})" if self.matters else ""
        return f"{self.severity.value}: {self.code} {self.object}: {self.what}{touched}{matters}"
