"""The payloads of signed objects: what docs/FORMAT.md sections 6 to 11 say, as types.

Only on-disk forms live here. Unknown keys are ignored, an unknown `format` is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from muniment.clock import from_text, to_text
from muniment.errors import FormatError
from muniment.model.item import Completeness

Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
KeyId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
SourceId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Count = Annotated[int, Field(ge=0)]


def _time(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("a time must be a string")
    return from_text(value)


Time = Annotated[datetime, BeforeValidator(_time), PlainSerializer(to_text, return_type=str)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=False)


class Reference(_Document):
    """An object of a numbered series, by number and digest."""

    number: Annotated[int, Field(ge=1)]
    digest: Hex64


class Head(_Document):
    """A commit (or evidence record) by sequence number and digest."""

    seq: Annotated[int, Field(ge=1)]
    digest: Hex64


class SnapshotObject(_Document):
    snapshot: Hex64
    key_id: KeyId
    size: Count
    md5: Hex32 | None = None
    rows: Count


class StateObject(_Document):
    state: Hex64
    size: Count
    md5: Hex32 | None = None


class StateOfCommit(_Document):
    kind: Literal["base", "delta"]
    objects: tuple[StateObject, ...]


class PackObject(_Document):
    """`head` is the digest of what the pack begins with: the header and the salt of the payload."""

    pack: Hex64
    key_id: KeyId
    size: Count
    head: Hex64 | None = None
    md5: Hex32 | None = None
    new: bool = False


class ShardOfCommit(_Document):
    shard: str
    as_of: Time
    status: Literal["complete", "unfinished"]
    items: Count


class Counts(_Document):
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


class CauseCount(_Document):
    cause: str
    count: Count
    accepted: bool


class SignOfAttack(_Document):
    """`count` of `of` items; `signal` is a word of docs/ANOMALIES.md."""

    signal: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    count: Count
    of: Count = 0


class GuardOfCommit(_Document):
    """That a snapshot looks like an attack, or follows one that does and that nobody has cleared.

    `since` is the first such snapshot, none where that is this one; `last_clean` the newest before it. `begins` is
    the first snapshot that may hold some of the attack, where that is an earlier one: a slow one is seen late.
    """

    suspicious: bool
    signs: tuple[SignOfAttack, ...] = ()
    begins: Annotated[int, Field(ge=1)] | None = None
    since: Head | None = None
    last_clean: Head | None = None


class Signed(_Document):
    """What every payload carries."""

    kind: ClassVar[str]
    format: Literal[1] = 1
    vault_id: Hex32

    def to_payload(self) -> dict[str, Any]:
        dumped = self.model_dump(mode="json")
        return {"format": dumped.pop("format"), "type": self.kind, **dumped}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        if payload.get("type") != cls.kind:
            raise FormatError(f"a signed payload is not of type {cls.kind}")
        if payload.get("format") != 1:
            raise FormatError(f"the {cls.kind} has a format this version does not know")
        try:
            return cls.model_validate(payload)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise FormatError(f"the {cls.kind} is malformed at '{where}'") from None


class Commit(Signed):
    kind = "commit"
    source: SourceId
    seq: Annotated[int, Field(ge=1, le=99_999_999)]
    parent: Hex64 | None
    vault_document: Reference
    run_id: str
    retention_class: Annotated[str, Field(alias="class")]
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

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def to_payload(self) -> dict[str, Any]:
        dumped = super().to_payload()
        dumped["class"] = dumped.pop("retention_class")
        if dumped["guard"] is None:
            del dumped["guard"]
        return dumped


class Base(Signed):
    kind = "base"
    source: SourceId
    covers: Head
    created_at: Time
    snapshots: tuple[SnapshotObject, ...]
    packs: tuple[PackObject, ...]
    rows: Count
    state: StateOfCommit | None = None


class Epoch(_Document):
    key_id: KeyId
    retention_class: Annotated[str, Field(alias="class")]
    recipient: str
    since: Time
    until: Time | None = None

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True
    )


class MatterRecipient(_Document):
    key_id: KeyId
    recipient: str
    since: Time


class Holder(_Document):
    role: Literal["escrow", "operations", "worker"]
    name: str
    recipient: str
    since: Time
    until: Time | None = None


class Revocation(_Document):
    at: Time
    trusted: dict[str, Head] = Field(default_factory=dict)


class SignerEntry(_Document):
    role: Literal["worker", "operations", "retention"]
    keyid: Hex32
    public: Hex64
    sources: tuple[str, ...]
    since: Time
    revoked: Revocation | None = None


class VaultDocument(Signed):
    kind = "vault"
    number: Annotated[int, Field(ge=1)]
    parent: Hex64 | None
    created_at: Time
    epochs: tuple[Epoch, ...]
    matters: tuple[MatterRecipient, ...] = ()
    holders: tuple[Holder, ...]
    signers: tuple[SignerEntry, ...]


class Checkpoint(Signed):
    """`parent_at` gives the name of the checkpoint before it, so that one that is gone can be named."""

    kind = "checkpoint"
    at: Time
    parent: Hex64 | None
    parent_at: Time | None = None
    vault_document: Reference
    heads: dict[str, Head]
    bases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    retention: Reference | None = None
    evidence: dict[str, Head] = Field(default_factory=dict)
    objects: dict[str, Hex64]


class RetentionCommit(_Document):
    source: SourceId
    seq: Annotated[int, Field(ge=1)]
    digest: Hex64
    reason: str


class RetentionObject(_Document):
    name: str
    version: str = ""
    not_before: Time | None = None


class RetentionEntry(Signed):
    kind = "retention"
    number: Annotated[int, Field(ge=1)]
    parent: Hex64 | None
    at: Time
    action: Literal["forget", "condemn", "reprieve", "swept"]
    commits: tuple[RetentionCommit, ...] = ()
    objects: tuple[RetentionObject, ...] = ()


class SealedDetail(_Document):
    """What only a holder of a key may read: base64 of one age file, sealed to `key_id`."""

    key_id: KeyId
    sealed: str


class EvidenceEntry(Signed):
    """One thing that happened. Everything but `detail` is in the clear: ids, numbers, codes, times."""

    kind = "evidence"
    stream: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
    seq: Annotated[int, Field(ge=1, le=99_999_999)]
    parent: Hex64 | None
    at: Time
    event: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,59}$")]
    subject: str = ""
    facts: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    detail: SealedDetail | None = None
