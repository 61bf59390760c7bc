"""Letter: a message taken apart, as far as it can be put together again by Microsoft without breaking it.

What was signed or encrypted holds only as the bytes it is; what is malformed, or written in signs that nobody knows, would
be guessed at. Those are carried (see the head of the package).
"""

from __future__ import annotations

import email
import email.policy
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message

SEALED = "signed or encrypted"
MALFORMED = "malformed"
UNKNOWN_SIGNS = "written in signs that cannot be told"

SEALED_KINDS = frozenset(
    {
        "multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime",
        "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-encrypted",
        "application/pgp-signature",
    }
)  # fmt: skip
_DEEPEST = 50
"""Parts in parts; beyond that a message is malformed."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is attached. `content_id` is how the text names an image."""

    name: str
    kind: str
    content: bytes = field(repr=False)
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """`carried` says why it cannot be made anew; empty where it can. `nested` counts messages that were attached, `meeting`
    says that it invites to one, or answers."""

    text: str = field(default="", repr=False)
    rich: bool = False
    papers: tuple[Paper, ...] = ()
    carried: str = ""
    nested: int = 0
    meeting: bool = False


class _Carried(Exception):
    pass


def taken_apart(raw: bytes) -> Letter:
    """Never raises for what anybody may have sent."""
    try:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        return _Taking().done(message)
    except _Carried as why:
        return Letter(carried=str(why))
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError):
        # The parser of the standard library stumbles over some mails in the wild.
        return Letter(carried=MALFORMED)


class _Taking:
    def __init__(self) -> None:
        self._text: tuple[str, bool] | None = None
        self._papers: list[Paper] = []
        self._nested = 0
        self._meeting = False

    def done(self, message: Message) -> Letter:
        for part in _all(message):
            if part.get_content_type() in SEALED_KINDS:
                raise _Carried(SEALED)
        self._part(message, 0)
        for part in _all(message):
            # Only after everything was decoded: what is wrong inside shows then.
            if part.defects:
                raise _Carried(MALFORMED)
        text, rich = self._text or ("", False)
        papers = tuple(_placed(one, text if rich else "") for one in self._papers)
        return Letter(text, rich, papers, nested=self._nested, meeting=self._meeting)

    def _part(self, part: Message, depth: int) -> None:
        if depth > _DEEPEST:
            raise _Carried(MALFORMED)
        kind = part.get_content_type()
        if kind == "message/rfc822":
            self._message(part)
        elif kind == "multipart/alternative":
            self._one_of(part, depth)
        elif part.is_multipart():
            for one in _parts(part):
                self._part(one, depth + 1)
        elif self._is_text(part) and self._text is None:
            self._text = _read(part), kind == "text/html"
        else:
            self._paper(part)

    def _one_of(self, part: Message, depth: int) -> None:
        """Of several forms of one text the richest is shown; what is no text is kept beside it."""
        forms = _parts(part)
        texts = [one for one in forms if self._is_text(one) or one.is_multipart()]
        if texts:
            rich = [one for one in texts if one.is_multipart() or one.get_content_type() == "text/html"]  # fmt: skip
            self._part((rich or texts)[-1], depth + 1)
        for one in forms:
            if one not in texts:
                self._paper(one)

    @staticmethod
    def _is_text(part: Message) -> bool:
        named = part.get_filename() or part.get_content_disposition() == "attachment"
        return not named and part.get_content_type() in ("text/plain", "text/html")

    def _message(self, part: Message) -> None:
        self._nested += 1
        inside = _parts(part)
        if len(inside) != 1:
            raise _Carried(MALFORMED)
        content = inside[0].as_bytes(policy=email.policy.compat32.clone(linesep="\r\n"))
        name = _words(part.get_filename()) or _words(inside[0].get("subject")) or "message"
        self._papers.append(Paper(_with_ending(name[:120], ".eml"), "message/rfc822", content))

    def _paper(self, part: Message) -> None:
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            raise _Carried(MALFORMED)
        kind = part.get_content_type()
        name = _words(part.get_filename())
        if kind == "text/calendar":
            self._meeting = True
            name = name or "meeting.ics"
        if not name:
            ending = mimetypes.guess_extension(kind) or ".bin"
            name = f"attachment {len(self._papers) + 1}{ending}"
        content_id = str(part.get("content-id") or "").strip().strip("<>")
        self._papers.append(Paper(name[:200], kind, content, False, content_id))


def _placed(paper: Paper, html: str) -> Paper:
    """An image that the text names is shown in it, and not beside."""
    if not paper.content_id or f"cid:{paper.content_id}" not in html:
        return paper
    return Paper(paper.name, paper.kind, paper.content, True, paper.content_id)


def _all(message: Message) -> Iterator[Message]:
    yield from message.walk()


def _parts(part: Message) -> list[Message]:
    held = part.get_payload()
    if not isinstance(held, list) or not all(isinstance(one, Message) for one in held):
        raise _Carried(MALFORMED)
    return [one for one in held if isinstance(one, Message)]


def _read(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise _Carried(MALFORMED)
    for charset in dict.fromkeys((part.get_content_charset() or "utf-8", "utf-8")):
        try:
            return content.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    raise _Carried(UNKNOWN_SIGNS)


def _words(value: object) -> str:
    """A name as people read it, in one line."""
    if value is None:
        return ""
    try:
        told = str(make_header(decode_header(str(value))))
    except (ValueError, LookupError):
        told = str(value)
    told = told.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in told).strip()


def _with_ending(name: str, ending: str) -> str:
    return name if name.lower().endswith(ending) else f"{name}{ending}"
