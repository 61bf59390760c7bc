"""What each role's credential can do, tried on the real server under the shipped policies."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from muniment.errors import StoreDenied
from muniment.vault.store import policies
from muniment.vault.store.s3 import S3Store
from tests.support.fake_stores import put
from tests.support.s3_server import FILES_WORKER, S3Place

FOLDER = Path(__file__).parents[3] / "docs" / "policies"
ROLES = ["worker.json", "operations.json", "retention.json", "lock-keeper.json"]

TAKES_LIFE = [
    "s3:DeleteObject",
    "s3:DeleteBucket",
    "s3:BypassGovernanceRetention",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
]


def load(name: str) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return policy


def decides(policy: dict[str, Any], action: str, resource: str) -> str:
    """AWS' order: an explicit Deny, an Allow, else denied. Conditional statements are left out."""
    answer = "implicit deny"
    for statement in policy["Statement"]:
        actions, resources = statement["Action"], statement["Resource"]
        actions = [actions] if isinstance(actions, str) else actions
        resources = [resources] if isinstance(resources, str) else resources
        if "Condition" in statement:
            continue
        if not any(fnmatch.fnmatchcase(action, each) for each in actions):
            continue
        if not any(fnmatch.fnmatchcase(resource, each) for each in resources):
            continue
        if statement["Effect"] == "Deny":
            return "deny"
        answer = "allow"
    return answer


OBJECT = "arn:aws:s3:::BUCKET/packs/ab/one"


def test_the_shipped_files_are_what_the_code_says() -> None:
    wanted = policies.shipped()
    assert {path.name for path in FOLDER.glob("*.json")} == set(wanted)
    for name, policy in wanted.items():
        assert load(name) == policy, f"write {name} anew"


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("action", TAKES_LIFE)
def test_no_role_may_weaken_the_bucket_or_hide_an_object(name: str, action: str) -> None:
    for resource in (OBJECT, "arn:aws:s3:::BUCKET"):
        assert decides(load(name), action, resource) == "deny"


@pytest.mark.parametrize("name", ROLES)
def test_only_retention_removes_and_only_the_keeper_locks(name: str) -> None:
    policy = load(name)
    removes = decides(policy, "s3:DeleteObjectVersion", OBJECT)
    assert removes == ("allow" if name == "retention.json" else "deny")
    locks = decides(policy, "s3:PutObjectRetention", OBJECT)
    assert locks == ("allow" if name == "lock-keeper.json" else "deny")
    assert decides(policy, "s3:PutObjectLegalHold", OBJECT) == "deny"
    assert decides(policy, "s3:GetObject", OBJECT) == "allow"


@pytest.mark.parametrize("name", ROLES)
def test_no_policy_fits_all_actions(name: str) -> None:
    for statement in load(name)["Statement"]:
        if statement["Effect"] == "Allow":
            assert not [each for each in statement["Action"] if "*" in each]


@pytest.mark.parametrize(
    "kept",
    ["commits/files/1", "vault/1", "keys/x/1", "checkpoints/1", "evidence/x/1", "retention/1"],
)
def test_retention_cannot_remove_what_is_kept_for_ever(kept: str) -> None:
    resource = f"arn:aws:s3:::BUCKET/{kept}"
    assert decides(load("retention.json"), "s3:DeleteObjectVersion", resource) != "allow"


def test_a_worker_writes_for_its_own_sources_only() -> None:
    policy = policies.worker("b", ["files", "mail"], "firm")
    own = [f"{kind}/files/x" for kind in ("commits", "snapshots", "state")]
    for name in (*own, "commits/mail/x", "packs/ab/x", "evidence/worker-files/1"):
        assert decides(dict(policy), "s3:PutObject", f"arn:aws:s3:::b/firm/{name}") == "allow"
    for name in ("commits/other/x", "commits/files-2/x", "bases/files/x", "vault/1", "keys/k/1"):
        assert decides(dict(policy), "s3:PutObject", f"arn:aws:s3:::b/firm/{name}") != "allow"
    assert decides(dict(policy), "s3:PutObject", "arn:aws:s3:::b/commits/files/x") != "allow"


def test_a_bucket_locks_new_objects_for_three_weeks() -> None:
    assert load("object-lock.json")["Rule"]["DefaultRetention"] == {
        "Mode": "COMPLIANCE",
        "Days": 21,
    }


# -- tried ---------------------------------------------------------------------------------------

NAMES = {
    "packs/ab/x": {"worker", FILES_WORKER, "operations"},
    "commits/files/x": {"worker", FILES_WORKER},
    "commits/mail/x": {"worker"},
    "snapshots/files/x": {"worker", FILES_WORKER, "operations"},
    "snapshots/mail/x": {"worker", "operations"},
    "state/files/x": {"worker", FILES_WORKER},
    "bases/files/x": {"operations"},
    "vault/x": {"operations"},
    "keys/epoch/x": {"operations"},
    "checkpoints/x": {"operations"},
    "RECOVER.txt": {"operations"},
    "retention/x": {"retention"},
    "evidence/worker-files/x": {"worker", FILES_WORKER, "operations"},
    "evidence/worker-mail/x": {"worker", "operations"},
    "elsewhere/x": set(),
}
EVERYBODY = ["worker", FILES_WORKER, "operations", "retention", "lock_keeper"]


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_writes_what_is_its_to_write(s3_place: S3Place, role: str) -> None:
    store = s3_place.store(role)
    written = set()
    for name in NAMES:
        try:
            put(store, name, b"x")
            written.add(name)
        except StoreDenied:
            pass
    assert written == {name for name, roles in NAMES.items() if role in roles}
    assert {each.name for each in store.list()} == written


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_stolen_credential_meets_the_policy(s3_place: S3Place, role: str) -> None:
    """Without any lock: the policy alone."""
    admin, thief = s3_place.store(), s3_place.store(role)
    versions = {name: put(admin, name, b"x") for name in ("packs/ab/x", "commits/files/x")}
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    key, bucket, client = s3_place.key("packs/ab/x"), s3_place.bucket, thief.client
    attempts: dict[str, Callable[[], object]] = {
        "remove a pack": lambda: thief.delete_version("packs/ab/x", versions["packs/ab/x"]),
        "remove a commit": lambda: thief.delete_version(
            "commits/files/x", versions["commits/files/x"]
        ),
        "hide": lambda: client.delete_object(Bucket=bucket, Key=key),
        "lock": lambda: thief.retain_until("commits/files/x", tomorrow),
        "hold": lambda: thief.legal_hold("commits/files/x", True),
        "suspend versions": lambda: client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
        "remove the bucket": lambda: client.delete_bucket(Bucket=bucket),
        "rewrite the policy": lambda: client.put_bucket_policy(Bucket=bucket, Policy="{}"),
        "expire": lambda: client.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [
                    {"Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"Prefix": ""}}
                ]
            },
        ),
    }
    allowed = {"retention": {"remove a pack"}, "lock_keeper": {"lock"}}.get(role, set())
    for name, attempt in attempts.items():
        if name in allowed:
            attempt()
        else:
            with pytest.raises((StoreDenied, ClientError), match="AccessDenied"):
                attempt()
    assert admin.get("commits/files/x") == b"x"


def test_what_a_stolen_worker_can_do_changes_no_true_byte(locked_s3_place: S3Place) -> None:
    """It can lay a version on top (AWS' bucket policy stops even that); the true one stays."""
    store = locked_s3_place.store()
    true = put(store, "packs/ab/x", b"true")
    thief = locked_s3_place.store("worker")
    thief.client.put_object(
        Bucket=locked_s3_place.bucket, Key=locked_s3_place.key("packs/ab/x"), Body=b"junk"
    )
    assert store.get("packs/ab/x", version=true) == b"true"
    assert next(store.list("packs/")).version == true


def test_the_admin_himself_cannot_remove_what_is_locked(locked_s3_place: S3Place) -> None:
    store: S3Store = locked_s3_place.store("admin")
    version = put(store, "packs/ab/x", b"true")
    with pytest.raises(StoreDenied):
        store.attack_version("packs/ab/x", version)
    answer = store.client.delete_objects(
        Bucket=locked_s3_place.bucket,
        Delete={"Objects": [{"Key": locked_s3_place.key("packs/ab/x"), "VersionId": version}]},
    )
    assert answer.get("Errors")
    assert store.get("packs/ab/x", version=version) == b"true"
