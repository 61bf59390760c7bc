"""One real S3 server for each pytest process, and a fresh place in it for each test.

Buckets: `muniment-free` (versions, no default lock) and `muniment-locked` (new objects are locked
for a day). A prefix of its own is a test's vault: as good as a bucket and a hundred times cheaper.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

from muniment.embedded.s3 import ADMIN, EmbeddedS3, default_policies
from muniment.vault.store import policies
from muniment.vault.store.s3 import S3Store

FREE = "muniment-free"
LOCKED = "muniment-locked"

FILES_WORKER = "files_worker"
"""A worker that is bound to the source `files`, as in production."""

_numbers = itertools.count(1)


def roles() -> dict[str, policies.Policy]:
    return {**default_policies(), FILES_WORKER: policies.worker("*", ["files"], "*")}


@dataclass(frozen=True)
class S3Place:
    """A prefix of a bucket, and the stores of the roles in it."""

    server: S3Server
    bucket: str
    prefix: str

    def store(self, role: str = ADMIN) -> S3Store:
        return S3Store(self.server.client(role), self.bucket, self.prefix)

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def put_on_top(self, name: str, data: bytes) -> str:
        """A plain PUT with the admin's credential."""
        answer = self.server.client(ADMIN).put_object(
            Bucket=self.bucket, Key=self.key(name), Body=data
        )
        return answer["VersionId"]

    def leave_delete_marker(self, name: str) -> str:
        answer = self.server.client(ADMIN).delete_object(Bucket=self.bucket, Key=self.key(name))
        return answer["VersionId"]


class S3Server:
    """An EmbeddedS3 with the two buckets; clients are made once, they are slow to make."""

    def __init__(self, embedded: EmbeddedS3) -> None:
        self.embedded = embedded
        self.client = cache(embedded.client)
        embedded.create_bucket(FREE, lock_days=None)
        embedded.create_bucket(LOCKED, lock_days=1)

    def place(self, bucket: str = FREE) -> S3Place:
        return S3Place(self, bucket, f"vault-{next(_numbers):05d}")
