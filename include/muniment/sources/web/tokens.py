"""Tokens: one person's consent, kept sealed, renewed by one process at a time.

Nouns
- Tokens: the access token, which ends, and the refresh token that renews it.
- TokenStore: where they are kept. Every change has a number, and is made only over the number that it
  was made from (compare and swap).
- Access: what the transport asks for a token, and tells that one was refused.

Invariants
- Nothing is in the clear on the disk: what is written was sealed by the function that was handed in.
- A new refresh token is durable before it is used. The old one may be good for one use only, so renewal
  is done under a lock over all processes, and whoever waited takes what the other one got.
- No token stands in a repr, an error or a log.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from muniment.clock import Clock, from_text, to_text
from muniment.errors import SourceRefused

Sealing = Callable[[bytes], bytes]

EARLY = timedelta(minutes=5)
"""An access token that ends sooner than this is renewed before it is used."""
_HEAD = b"muniment-token "


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_at` is the end of the access token. The refresh token ends when consent is revoked."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime

    def to_bytes(self) -> bytes:
        return json.dumps(
            {"access": self.access, "refresh": self.refresh, "expires_at": to_text(self.expires_at)}
        ).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Tokens:
        held = json.loads(text)
        return cls(str(held["access"]), str(held["refresh"]), from_text(held["expires_at"]))


@dataclass(frozen=True, slots=True)
class Held:
    """Tokens as they stand in the store after change `version`."""

    version: int
    tokens: Tokens


class TokenConflict(Exception):
    """Somebody else changed the store meanwhile."""


class TokenStore(Protocol):
    def load(self) -> Held | None:
        """None where nobody has consented yet."""
        ...

    def swap(self, expected: int, tokens: Tokens) -> Held:
        """Keeps new tokens in place of version `expected` (0: none). Durable on return.

        Raises TokenConflict.
        """
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keeps every other process and thread out of its own `alone`."""
        ...


class FileTokenStore:
    """One file, sealed. Its first line is the number of the change, in clear: so the holder of a
    recipient alone can put a new consent in place of an old one."""

    def __init__(self, path: Path, seal: Sealing, unseal: Sealing) -> None:
        self._path = path
        self._seal = seal
        self._unseal = unseal

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self._path)!r})"

    @property
    def path(self) -> Path:
        return self._path

    def version(self) -> int:
        """The number of the last change; 0 where there is none. Needs no key."""
        return self._parts()[0]

    def load(self) -> Held | None:
        version, sealed = self._parts()
        if not version:
            return None
        return Held(version, Tokens.from_bytes(self._unseal(sealed)))

    def swap(self, expected: int, tokens: Tokens) -> Held:
        sealed = self._seal(tokens.to_bytes())
        with self._locked("write"):
            if self.version() != expected:
                raise TokenConflict
            self._write(_HEAD + str(expected + 1).encode() + b"\n" + sealed)
        return Held(expected + 1, tokens)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._locked("renew"):
            yield

    def _parts(self) -> tuple[int, bytes]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return 0, b""
        head, _, sealed = content.partition(b"\n")
        number = head.removeprefix(_HEAD)
        if not head.startswith(_HEAD) or not number.isdigit():
            raise SourceRefused("the file with the sealed consent is damaged", to=str(self._path))
        return int(number), sealed

    def _write(self, content: bytes) -> None:
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}.{threading.get_ident()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self, deed: str) -> Iterator[None]:
        """A lock file of its own for each deed: it is never replaced, as the store's file is."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path.with_name(f".{self._path.name}.{deed}.lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class Access:
    """The current access token of one consent, for any number of threads.

    `renewed` is asked for new tokens with a refresh token; see `oauth.OAuth.refresh`.
    """

    def __init__(
        self, store: TokenStore, renewed: Callable[[Tokens], Tokens], clock: Clock, source_id: str
    ) -> None:
        self._store = store
        self._renewed = renewed
        self._clock = clock
        self._source_id = source_id
        self._held: Held | None = None
        self._lock = threading.Lock()

    def current(self) -> Held:
        """Raises SourceRefused where nobody has consented, or the consent has ended."""
        with self._lock:
            held = self._held or self._loaded()
            if held.tokens.expires_at - self._clock.now() < EARLY:
                held = self._renew(held)
            self._held = held
            return held

    def refused(self, stale: Held) -> Held:
        """The vendor refused this token: another one. Raises SourceRefused."""
        with self._lock:
            if self._held is None or self._held.version == stale.version:
                self._held = self._renew(stale)
            return self._held

    def _loaded(self) -> Held:
        held = self._store.load()
        if held is None:
            raise SourceRefused(
                "nobody has given consent yet",
                to=f"source {self._source_id}",
                todo=f"Have the backup user give consent: `muniment consent {self._source_id}`.",
            )
        return held

    def _renew(self, stale: Held) -> Held:
        with self._store.alone():
            held = self._loaded()
            if held.version != stale.version:
                return held
            fresh = self._renewed(held.tokens)
            try:
                return self._store.swap(held.version, fresh)
            except TokenConflict:
                # Somebody consented anew meanwhile: that is the better one.
                return self._loaded()


class HeldTokens:
    """A store in memory, for one process: right after consent was given, and in tests."""

    def __init__(self, held: Held | None = None) -> None:
        self.held = held
        self._lock = threading.RLock()

    def load(self) -> Held | None:
        return self.held

    def swap(self, expected: int, tokens: Tokens) -> Held:
        with self._lock:
            if (self.held.version if self.held else 0) != expected:
                raise TokenConflict
            self.held = Held(expected + 1, tokens)
            return self.held

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._lock:
            yield
