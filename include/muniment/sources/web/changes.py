"""Change: something made or altered at a vendor, by a request that is sent once.

It is sent again only where the vendor said that it did nothing (429, 401). Where no answer came, nobody knows
whether it was done: `Unanswered` says so, and the caller looks before it sends the change again.
"""

from __future__ import annotations

from muniment.sources.web.transport import PASSING, REDIRECTS, Query, Transport, Tries
from muniment.sources.web.wire import Answer, Passing, Sent


class Unanswered(Exception):
    """A change was sent, and whether it was made is not known: look before it is sent again."""


def change(
    transport: Transport, method: str, path: str, body: bytes | Sent, query: Query = ()
) -> Answer:
    """One change (POST, PUT, PATCH); `body` is JSON where it does not say what else. No redirect is followed.

    The answer's status is as of `Transport.get`, or 403, or 413. Raises Unanswered, SourceUnavailable, SourceRefused.
    """
    url = transport.url(path)
    try:
        answer = transport.heard(method, url, tuple(query), body, None, Tries())
    except Passing as passing:
        raise Unanswered(str(passing)) from None
    if answer.status in PASSING:
        raise Unanswered(f"it answers {answer.status}")
    return transport.judged(answer, url, (*REDIRECTS, 403, 413))
