"""The payloads of signed objects: what docs/FORMAT.md sections 6 to 11 say, as types.

Only on-disk forms live here. Unknown keys are ignored, an unknown `format` is refused.
"""

# No `from __future__ import annotations`: msgspec reads the annotations, and would have to evaluate texts.

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from msgspec import Meta, field

from muniment.clock import to_text
from muniment.errors import FormatError
from muniment.model.item import Completeness
from muniment.model.value import Value

_LARGEST = (1 << 63) - 1

Hex64 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
KeyId = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9_-]{0,79}\Z")]
SourceId = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9_-]{0,62}\Z")]
Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
Number = Annotated[int, Meta(ge=1, le=_LARGEST)]
Seq = Annotated[int, Meta(ge=1, le=99_999_999)]
Time = Annotated[datetime, Meta(tz=True)]

_PLACE = re.compile(r"`\$(?P<place>[^`]*)`\Z")
_LACKING = re.compile(r"required field `(?P<field>[^`]*)`")


class _Document(Value, frozen=True):
    """What was made in a program is looked at when it is written, what was read at once."""

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> Self:
        """The document of plain data, as JSON gives it. Raises FormatError."""
        try:
            return msgspec.convert(value, cls)
        except (msgspec.ValidationError, RecursionError) as error:
            where = _where(str(error))
            raise FormatError(f"the {cls.__name__} is malformed at '{where}'") from None

    def altered(self, values: Mapping[str, Any]) -> Self:
        """The same with other values of some fields."""
        return msgspec.structs.replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """By the names of fields, with values as they are."""
        return msgspec.structs.asdict(self)


def _where(message: str) -> str:
    """The place that a message of msgspec names, and nothing of what stands there."""
    place, lacking = _PLACE.search(message), _LACKING.search(message)
    parts = [place["place"].lstrip(".") if place else "", lacking["field"] if lacking else ""]
    return ".".join(part for part in parts if part) or "the whole"


class Reference(_Document, frozen=True, kw_only=True):
    """An object of a numbered series, by number and digest."""

    number: Number
    digest: Hex64


class Head(_Document, frozen=True, kw_only=True):
    """A commit (or evidence record) by sequence number and digest."""

    seq: Number
    digest: Hex64


class SnapshotObject(_Document, frozen=True, kw_only=True):
    snapshot: Hex64
    key_id: KeyId
    size: Count
    md5: Hex32 | None = None
    rows: Count


class StateObject(_Document, frozen=True, kw_only=True):
    state: Hex64
    size: Count
    md5: Hex32 | None = None


class StateOfCommit(_Document, frozen=True, kw_only=True):
    kind: Literal["base", "delta"]
    objects: tuple[StateObject, ...]


class PackObject(_Document, frozen=True, kw_only=True):
    """`head` is the digest of what the pack begins with: the header and the salt of the payload."""

    pack: Hex64
    key_id: KeyId
    size: Count
    head: Hex64 | None = None
    md5: Hex32 | None = None
    new: bool = False


class ShardOfCommit(_Document, frozen=True, kw_only=True):
    shard: str
    as_of: Time
    status: Literal["complete", "unfinished"]
    items: Count


class Counts(_Document, frozen=True, kw_only=True):
    """`items` and `unassigned` speak of the whole snapshot, the others of the run; bytes in bytes."""

    items: Count = 0
    added: Count = 0
    changed: Count = 0
    removed: Count = 0
    renamed: Count = 0
    unassigned: Count = 0
    problems: Count = 0
    source_bytes: Count = 0
    read_bytes: Count = 0
    stored_bytes: Count = 0


class CauseCount(_Document, frozen=True, kw_only=True):
    cause: str
    count: Count
    accepted: bool


class SignOfAttack(_Document, frozen=True, kw_only=True):
    """`count` of `of` items; `signal` is a word of docs/ANOMALIES.md."""

    signal: Annotated[str, Meta(pattern=r"\A[a-z_]{1,40}\Z")]
    count: Count
    of: Count = 0


class GuardOfCommit(_Document, frozen=True, kw_only=True):
    """That a snapshot looks like an attack, or follows one that does and that nobody has cleared.

    `since` is the first such snapshot, none where that is this one; `last_clean` the newest before it. `begins` is
    the first snapshot that may hold some of the attack, where that is an earlier one: a slow one is seen late.
    """

    suspicious: bool
    signs: tuple[SignOfAttack, ...] = ()
    begins: Number | None = None
    since: Head | None = None
    last_clean: Head | None = None


class Signed(_Document, frozen=True, kw_only=True):
    """What every payload carries."""

    kind: ClassVar[str]
    format: Literal[1] = 1
    vault_id: Hex32

    def to_payload(self) -> dict[str, Any]:
        """As plain data for JSON. Raises FormatError for what no reader would take."""
        said = _texts(msgspec.to_builtins(self, builtin_types=(datetime,)))
        payload = {"format": said.pop("format"), "type": self.kind, **said}
        self.from_payload(payload)
        return payload

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Raises FormatError."""
        if payload.get("type") != cls.kind:
            raise FormatError(f"a signed payload is not of type {cls.kind}")
        if payload.get("format") != 1:
            raise FormatError(f"the {cls.kind} has a format this version does not know")
        return cls.from_plain(payload)


def _texts(value: Any) -> Any:
    """Plain data with times in the form of the format, and lists as JSON would give them back."""
    if isinstance(value, dict):
        return {key: _texts(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(each) for each in value]
    return to_text(value) if isinstance(value, datetime) else value


class Commit(Signed, frozen=True, kw_only=True):
    kind = "commit"
    source: SourceId
    seq: Seq
    parent: Hex64 | None
    vault_document: Reference
    run_id: str
    retention_class: str = field(name="class")
    completeness: Completeness
    started_at: Time
    ended_at: Time
    clock_offset_ms: int | None = None
    next_due: Time | None = None
    snapshots: tuple[SnapshotObject, ...]
    state: StateOfCommit
    packs: tuple[PackObject, ...]
    shards: tuple[ShardOfCommit, ...]
    counts: Counts
    exceptions: tuple[CauseCount, ...] = ()
    guard: GuardOfCommit | None = None

    def to_payload(self) -> dict[str, Any]:
        payload = super().to_payload()
        if payload["guard"] is None:
            del payload["guard"]
        return payload


class Base(Signed, frozen=True, kw_only=True):
    kind = "base"
    source: SourceId
    covers: Head
    created_at: Time
    snapshots: tuple[SnapshotObject, ...]
    packs: tuple[PackObject, ...]
    rows: Count
    state: StateOfCommit | None = None


class Epoch(_Document, frozen=True, kw_only=True):
    key_id: KeyId
    retention_class: str = field(name="class")
    recipient: str
    since: Time
    until: Time | None = None


class MatterRecipient(_Document, frozen=True, kw_only=True):
    key_id: KeyId
    recipient: str
    since: Time


class Holder(_Document, frozen=True, kw_only=True):
    role: Literal["escrow", "operations", "worker"]
    name: str
    recipient: str
    since: Time
    until: Time | None = None


class Revocation(_Document, frozen=True, kw_only=True):
    at: Time
    trusted: dict[str, Head] = field(default_factory=dict)


class SignerEntry(_Document, frozen=True, kw_only=True):
    role: Literal["worker", "operations", "retention"]
    keyid: Hex32
    public: Hex64
    sources: tuple[str, ...]
    since: Time
    revoked: Revocation | None = None


class VaultDocument(Signed, frozen=True, kw_only=True):
    kind = "vault"
    number: Number
    parent: Hex64 | None
    created_at: Time
    epochs: tuple[Epoch, ...]
    matters: tuple[MatterRecipient, ...] = ()
    holders: tuple[Holder, ...]
    signers: tuple[SignerEntry, ...]


class Checkpoint(Signed, frozen=True, kw_only=True):
    """`parent_at` gives the name of the checkpoint before it, so that one that is gone can be named."""

    kind = "checkpoint"
    at: Time
    parent: Hex64 | None
    parent_at: Time | None = None
    vault_document: Reference
    heads: dict[str, Head]
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    retention: Reference | None = None
    evidence: dict[str, Head] = field(default_factory=dict)
    objects: dict[str, Hex64]


class RetentionCommit(_Document, frozen=True, kw_only=True):
    source: SourceId
    seq: Number
    digest: Hex64
    reason: str


class RetentionObject(_Document, frozen=True, kw_only=True):
    name: str
    version: str = ""
    not_before: Time | None = None


class RetentionEntry(Signed, frozen=True, kw_only=True):
    kind = "retention"
    number: Number
    parent: Hex64 | None
    at: Time
    action: Literal["forget", "condemn", "reprieve", "swept"]
    commits: tuple[RetentionCommit, ...] = ()
    objects: tuple[RetentionObject, ...] = ()


class SealedDetail(_Document, frozen=True, kw_only=True):
    """What only a holder of a key may read: base64 of one age file, sealed to `key_id`."""

    key_id: KeyId
    sealed: str


class EvidenceEntry(Signed, frozen=True, kw_only=True):
    """One thing that happened. Everything but `detail` is in the clear: ids, numbers, codes, times."""

    kind = "evidence"
    stream: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9_-]{0,79}\Z")]
    seq: Seq
    parent: Hex64 | None
    at: Time
    event: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_.]{0,59}\Z")]
    subject: str = ""
    facts: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    detail: SealedDetail | None = None
