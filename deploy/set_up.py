"""What has to be done once in the compose installation, each step harmless when repeated.

storage-keys   credentials of the S3 server, one a role, under the policies of docs/policies
bucket         the bucket, versioned, with Object Lock
firm           the first firm: configuration, keys, vault, key card (asks; needs a terminal)
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from muniment.embedded.s3 import ADMIN, EmbeddedS3
from muniment.vault.store import policies
from muniment.vault.store.s3_client import S3Credential, S3Settings, make_client

FOLDER = Path(os.environ.get("MUNIMENT_S3_FOLDER", "/etc/muniment/s3"))
ENDPOINT = os.environ.get("MUNIMENT_S3_ENDPOINT", "http://s3:8333")
BUCKET = os.environ.get("MUNIMENT_S3_BUCKET", "muniment")
REGION = "us-east-1"
KEYS = Path(os.environ.get("MUNIMENT_KEYS", "/etc/muniment/firms"))
FIRMS = Path(os.environ.get("MUNIMENT_FIRMS", "/opt/muniment/firms"))
STAGING = Path(os.environ.get("MUNIMENT_STAGING", "/var/lib/muniment"))
SHARE = Path(os.environ.get("MUNIMENT_SHARE", "/srv/matters"))


def storage_keys() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    EmbeddedS3(FOLDER).write_identities()


def bucket() -> None:
    client = make_client(S3Settings(endpoint=ENDPOINT, region=REGION), _credential(ADMIN))
    if BUCKET not in {each.get("Name") for each in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    configuration: Any = policies.lock_configuration(policies.DEFAULT_LOCK_DAYS)
    client.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=configuration)


def firm(firm_id: str = "example") -> None:
    """The firm's folder, keys and vault, and in firm.yaml each role's own key to the store."""
    credential = _credential(ADMIN)
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": credential.access_key,
        "AWS_SECRET_ACCESS_KEY": credential.secret_key,
    }
    document = FIRMS / firm_id / "firm.yaml"
    if not document.exists() or "vault: not yet created" in document.read_text():
        store = f"s3://{BUCKET}/{firm_id}?endpoint={ENDPOINT}&region={REGION}"
        keys = ["--keys", str(KEYS / firm_id)]
        staging = ["--staging", str(STAGING / firm_id)]
        source = ["--source-id", "file-server", "--source-root", str(SHARE)]
        lock = ["--lock", str(policies.DEFAULT_LOCK_DAYS)]
        command = ["muniment", "--store", store, "init-firm", str(FIRMS / firm_id)]
        subprocess.run([*command, *keys, *staging, *source, *lock], env=environment, check=True)
    text = document.read_text()
    for role in ("worker", "operations", "retention"):
        line = f"    store: {FOLDER}/credentials/{role}\n"
        if line not in text:
            text = re.sub(rf"(^  {role}:[^\n]*\n)", rf"\g<1>{line}", text, count=1, flags=re.M)
    document.write_text(text)


def _credential(role: str) -> S3Credential:
    return S3Credential.from_file(FOLDER / "credentials" / role)


if __name__ == "__main__":
    steps = {"storage-keys": storage_keys, "bucket": bucket, "firm": firm}
    if len(sys.argv) < 2 or sys.argv[1] not in steps:
        sys.exit(f"Name a step: {', '.join(steps)}")
    steps[sys.argv[1]](*sys.argv[2:])
