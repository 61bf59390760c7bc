"""S3Store: a bucket, or a prefix of one, with versions and Object Lock.

Invariants
- The client is handed in, so that Airflow's S3Hook or a test's server can give it.
- A put is one request with `If-None-Match: *` and `x-amz-checksum-sha256`: the server decides who
  takes a name and refuses bytes that changed on the way. A server that answers without having done
  either is refused (StoreUnsuitable), because the vault's promises lean on both.
- The bucket keeps versions. A delete always names one: without it S3 leaves a delete marker.
- A lock is only ever extended.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from muniment.errors import LockNotEnforced, ObjectUnreadable, StoreError, StoreUnsuitable
from muniment.vault.store.base import ObjectHead, ObjectVersion
from muniment.vault.store.payload import Payload, check_name, size_of, staged
from muniment.vault.store.s3_errors import FAILURES, code_of, status_of, translate
from muniment.vault.store.s3_listing import list_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LockMode = Literal["COMPLIANCE", "GOVERNANCE"]

MAX_PUT = 5 << 30
"""Bytes of a single PUT (S3 user guide, "Uploading objects"). Packs are far below it."""

_UNLOCKED_CODES = {"NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"}
"""An object without a lock: AWS' word for it, and SeaweedFS'."""

_NO_LOCK_CODES = {"InvalidRequest", "NotImplemented", *_UNLOCKED_CODES}


class S3Store:
    """A Store over `bucket`, under `prefix` (a folder-like name without a slash at its ends).

    `lock_mode` is what `retain_until` sets. GOVERNANCE is for rehearsals only: whoever has the
    bypass right can undo it.
    """

    has_versions = True

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        prefix: str = "",
        *,
        lock_mode: LockMode = "COMPLIANCE",
    ) -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = f"{check_name(prefix.strip('/'))}/" if prefix.strip("/") else ""
        self.label = f"s3://{bucket}/{self.prefix}"
        self._mode = lock_mode

    # -- writing ---------------------------------------------------------------------------------

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        key = self._key(check_name(name))
        if size_of(data) > MAX_PUT:
            raise StoreUnsuitable("an object of more than 5 GiB cannot be put at once", to=name)
        checksum = b64encode(sha256).decode()
        with self._errors(name), _body(data) as body:
            answer = self.client.put_object(
                Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*", ChecksumSHA256=checksum
            )
        version = answer.get("VersionId", "")
        if not version:
            raise StoreUnsuitable("the bucket keeps no versions", to=self.label)
        verified = answer.get("ChecksumSHA256")
        if verified is None:
            # Some servers verify it and show it only later.
            shown = self.head(name, version=version).sha256
            verified = b64encode(shown).decode() if shown else None
        if verified != checksum:
            raise StoreUnsuitable("the store did not verify the SHA-256 of an object", to=name)
        return version

    # -- reading ---------------------------------------------------------------------------------

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        if length is not None and length <= 0:
            self.head(name, version=version)
            return b""
        which: dict[str, Any] = {"VersionId": version} if version else {}
        if start or length is not None:
            which["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        with self._errors(name):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._key(name), **which)
            except FAILURES as error:
                if code_of(error) in ("InvalidRange", "416"):
                    return b""
                if status_of(error) == 500 and self._is_there(name, which.get("VersionId")):
                    raise ObjectUnreadable(
                        f"the store has the object and cannot give it ({code_of(error)})", to=name
                    ) from None
                raise
            with answer["Body"] as body:
                return body.read()

    def _is_there(self, name: str, version: str | None) -> bool:
        try:
            self.head(name, version=version)
        except StoreError:
            return False
        return True

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        """Lock and hold are shown only to a credential with s3:GetObjectRetention and
        s3:GetObjectLegalHold; to others an object looks unlocked."""
        which: dict[str, Any] = {"VersionId": version} if version else {}
        with self._errors(name):
            answer = self.client.head_object(
                Bucket=self.bucket, Key=self._key(name), ChecksumMode="ENABLED", **which
            )
        # The composite checksum of a multipart upload ("...-2") is no digest of the bytes.
        shown = answer.get("ChecksumSHA256", "")
        return ObjectHead(
            name=name,
            version=answer.get("VersionId", version or ""),
            size=answer["ContentLength"],
            sha256=b64decode(shown) if shown and "-" not in shown else None,
            written_at=answer["LastModified"].astimezone(UTC),
            locked_until=_utc(answer.get("ObjectLockRetainUntilDate")),
            legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        )

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        with self._errors(self.label):
            for each in list_versions(self.client, self.bucket, self.prefix + prefix):
                yield replace(each, name=each.name[len(self.prefix) :])

    # -- locks and deletion ----------------------------------------------------------------------

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        """Asks for the present lock first: it needs s3:GetObjectRetention as well as
        s3:PutObjectRetention, so that a credential which cannot see a lock never touches it."""
        which: dict[str, Any] = {"VersionId": version} if version else {}
        present = self._lock(name, which)
        if present is not None and present >= until:
            return
        with self._errors(name, locks=True):
            self.client.put_object_retention(
                Bucket=self.bucket,
                Key=self._key(name),
                Retention={"Mode": self._mode, "RetainUntilDate": until.astimezone(UTC)},
                **which,
            )

    def _lock(self, name: str, which: dict[str, Any]) -> datetime | None:
        with self._errors(name, locks=True):
            try:
                answer = self.client.get_object_retention(
                    Bucket=self.bucket, Key=self._key(name), **which
                )
            except FAILURES as error:
                if code_of(error) in _UNLOCKED_CODES:
                    return None
                raise
        return _utc(answer.get("Retention", {}).get("RetainUntilDate"))

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        which: dict[str, Any] = {"VersionId": version} if version else {}
        # Some servers answer 500 to a hold on nothing.
        self.head(name, version=version)
        with self._errors(name, locks=True):
            self.client.put_object_legal_hold(
                Bucket=self.bucket,
                Key=self._key(name),
                LegalHold={"Status": "ON" if on else "OFF"},
                **which,
            )

    def delete_version(self, name: str, version: str) -> None:
        if not version:
            raise StoreError("a delete must name the version", to=name)
        with self._errors(name):
            self.client.delete_object(Bucket=self.bucket, Key=self._key(name), VersionId=version)

    def attack_lock(self, name: str, version: str, until: datetime) -> None:
        """For the probe: asks for a *shorter* lock, with every bypass there is."""
        with self._errors(name):
            self.client.put_object_retention(
                Bucket=self.bucket,
                Key=self._key(name),
                VersionId=version,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until.astimezone(UTC)},
                BypassGovernanceRetention=True,
            )

    def attack_version(self, name: str, version: str) -> None:
        """For the probe: asks for the deletion of a locked version, with every bypass there is."""
        with self._errors(name):
            self.client.delete_object(
                Bucket=self.bucket,
                Key=self._key(name),
                VersionId=version,
                BypassGovernanceRetention=True,
            )

    def now(self) -> datetime | None:
        with self._errors(self.label):
            answer = self.client.head_bucket(Bucket=self.bucket)
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return parsedate_to_datetime(date).astimezone(UTC) if date else None

    # -- errors ----------------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        return self.prefix + name

    @contextmanager
    def _errors(self, to: str, locks: bool = False) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            if locks and code_of(error) in _NO_LOCK_CODES:
                raise LockNotEnforced("the bucket has no Object Lock", to=self.label) from None
            # Without the cause: its text may carry a credential, and tracebacks are logged.
            raise translate(error, to) from None


@contextmanager
def _body(data: Payload) -> Iterator[Any]:
    if isinstance(data, Path):
        with staged():
            file = data.open("rb")
        with file:
            yield file
    else:
        yield data


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
