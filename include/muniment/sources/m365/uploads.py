"""Uploads: the bytes of a file or an attachment, in parts, to a signed address that ends.

A part whose answer is lost may have come: the session itself is asked how far it is. A session that is over is begun
anew by the caller, who looks first: it also ends with the last part, whose answer may be what was lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from muniment.sources.m365.transport import Transport
from muniment.sources.m365.writing import OCTETS, Content, Refusal
from muniment.sources.web.budget import retry_after
from muniment.sources.web.transport import PASSING
from muniment.sources.web.wire import Answer, Passing

UNIT = 327_680
"""Parts of a file are a multiple of this many bytes."""
FILE_PART, ATTACHMENT_PART = 16 * UNIT, 12 * UNIT
"""Bytes: 5 MiB, as advised; an attachment's part has less than 4 MB."""
FAILURES = 8
"""In a row, without a byte that came."""
_OVER = (401, 403, 404, 410)
_FROM = re.compile(r"\s*(\d+)")


class Ended(Exception):
    """The session is over: its time is, or all of it came."""


class Upload:
    """One session. `part` bytes at a time."""

    def __init__(self, transport: Transport, address: str, content: Content, part: int) -> None:
        self._transport = transport
        self._address = address
        self._content = content
        self._part = part
        self._failures = 0

    def run(self) -> Answer:
        """The answer to the last part. Raises Ended, Refusal, SourceUnavailable."""
        at, parts = 0, self._parts(0)
        while True:
            body = next(parts)
            answer, reached = self._sent(at, body)
            if answer is not None:
                return answer
            if reached != at + len(body):
                parts = self._parts(reached)
            at = reached

    def _sent(self, at: int, body: bytes) -> tuple[Answer | None, int]:
        """The last answer, or how far the session is now."""
        end = at + len(body)
        headers = {"Content-Range": f"bytes {at}-{end - 1}/{self._content.size}", "Content-Type": OCTETS}  # fmt: skip
        try:
            answer = self._transport.signed("PUT", self._address, headers, body)
        except Passing as passing:
            return None, self._where(str(passing), at)
        if answer.status in (200, 201, 202):
            if end == self._content.size:
                return answer, end
            self._failures = 0
            return None, _expected(answer, end)
        if answer.status == 429 or answer.status in PASSING:
            if answer.headers.get("Retry-After"):
                self._transport.pace.refused(retry_after(answer.headers, self._transport.clock.now()))  # fmt: skip
            return None, self._where(f"it answers {answer.status}", at)
        if answer.status == 416:
            return None, self._where("it has other parts than it was sent", at)
        if answer.status in _OVER:
            raise Ended
        raise Refusal(answer.status, self._transport.word(answer))

    def _where(self, why: str, before: int) -> int:
        """How far the session is, by its own word."""
        while True:
            self._failures += 1
            if self._failures >= FAILURES:
                raise self._transport.unavailable(why)
            self._transport.pause(self._failures - 1)
            try:
                answer = self._transport.signed("GET", self._address)
            except Passing:
                continue
            if answer.status in _OVER:
                raise Ended
            if answer.status == 200:
                at = _expected(answer, -1)
                if 0 <= at < self._content.size:
                    if at > before:
                        self._failures = 0
                    return at

    def _parts(self, start: int) -> Iterator[bytes]:
        """From `start` on, each of `part` bytes but the last."""
        held, skip = bytearray(), start
        for piece in self._content.opened():
            if skip >= len(piece):
                skip -= len(piece)
                continue
            held += piece[skip:]
            skip = 0
            while len(held) >= self._part:
                yield bytes(held[: self._part])
                del held[: self._part]
        if held:
            yield bytes(held)


def _expected(answer: Answer, otherwise: int) -> int:
    """Where it goes on, as the session says: `["327680-"]`, of an attachment `["327680"]`."""
    try:
        told = {name.lower(): value for name, value in answer.json().items()}
        found = _FROM.match(str(told["nextexpectedranges"][0]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return otherwise
    return int(found[1]) if found else otherwise
