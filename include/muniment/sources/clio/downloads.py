"""Downloads: which files Clio has, and where it leads to them; the reading is `web.download`'s.

Clio tells no digest of a document: its size is all there is to hold the bytes against.
"""

from __future__ import annotations

from collections.abc import Iterator

from muniment.sources.clio.transport import Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.download import Download


class Downloads:
    """Files read through one transport. Any number of threads, each its own file."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def version(
        self, document: int | str, version: int | str, size: int | None,
        *, priority: Priority | None = None,
    ) -> Iterator[bytes]:  # fmt: skip
        """The bytes of one version of a document, also of one in the trash.

        Raises FileNotFoundError where it is gone, ItemUnreadable where this file alone cannot be had,
        SourceUnavailable.
        """
        query = (("document_version_id", str(version)),)
        return self._file(f"documents/{document}/download.json", query, size, priority)

    def template(self, id_: int | str) -> Iterator[bytes]:
        return self._file(f"document_templates/{id_}/download.json", (), None, None)

    def report(self, id_: int | str) -> Iterator[bytes]:
        return self._file(f"reports/{id_}/download.json", (), None, None)

    def preview(self, bill: int | str) -> bytes:
        """A bill as the vendor shows it, HTML. Raises FileNotFoundError where there is none."""
        answer = self._transport.get(f"bills/{bill}/preview.json")
        if answer.status == 404:
            raise FileNotFoundError
        if answer.status != 200:
            raise self._transport.unexpected(answer, "bills/preview")
        return answer.body

    def _file(
        self, path: str, query: tuple[tuple[str, str], ...], size: int | None, priority: Priority | None
    ) -> Iterator[bytes]:  # fmt: skip
        return Download(self._transport, path, query, size, priority).pieces()
