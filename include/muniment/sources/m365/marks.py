"""Marks: a property of our own on what a restore makes, by which it is found again.

A named property of the store (MAPI) that no program shows to people. Only what a request made at once bears its mark
at once, so that whoever was killed, or heard no answer, finds what he made.
"""

from __future__ import annotations

from muniment.sources.web.transport import Pairs

PROPERTY = "String {0a6f0c7e-5d1b-4a8c-9a3e-7f4b1c2d9e55} Name MunimentRestored"
"""The set of names is Muniment's own; drawn once, never to be changed."""


def marked(mark: str) -> dict[str, str]:
    """One of `singleValueExtendedProperties`."""
    return {"id": PROPERTY, "value": mark}


def bearing(mark: str) -> Pairs:
    """The query for what bears a mark. `mark` is hexadecimal."""
    return (("$filter", f"singleValueExtendedProperties/any(ep: ep/id eq '{PROPERTY}' and ep/value eq '{mark}')"),)  # fmt: skip
