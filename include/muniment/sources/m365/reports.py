"""Reports: the vendor's tables of use, which come as CSV from an address of their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from muniment.errors import SourceError
from muniment.sources.m365.transport import Transport
from muniment.sources.web.wire import Answer, Torn


def lines_of(directory: Transport, report: str) -> list[Mapping[str, str]] | None:
    """The rows of a report, by the names of its columns; None where it is not to be had or is no table. A report may
    conceal names, and says so nowhere."""
    try:
        found = directory.location(report)
        if isinstance(found, Answer):
            return None
        stored = directory.stored(found)
        try:
            text = b"".join(stored.pieces).decode("utf-8-sig") if stored.status == 200 else ""
        finally:
            stored.close()
        return list(csv.DictReader(io.StringIO(text)))
    except (SourceError, Torn, ValueError, csv.Error):
        return None
