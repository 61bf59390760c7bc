"""Who may do what in a bucket: the AWS policies of the roles, as data.

One policy a role, for an IAM user or role that is nobody else's. Wildcards stand only where object
names are digests. `docs/policies/*.json` are these with placeholders, and the embedded S3 server
runs under them, so the tests try what a stolen credential can do.

Sources: AWS Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3";
S3 user guide, "Enforce conditional writes on Amazon S3 buckets" and "Object Lock considerations".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Policy = Mapping[str, Any]

DEFAULT_LOCK_DAYS = 21
"""Lock that the bucket gives to each new object: two missed weekly lock_keeper runs, and a week in
which to notice."""

MAX_LOCK_DAYS = 3700
"""The lock_keeper's cap, ten years and some: a stolen one must not lock a bucket for a century."""

PROBE_PREFIX = "probe/"

_LOOK_BUCKET = [
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
]
_LOOK_OBJECT = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectRetention",
    "s3:GetObjectLegalHold",
]
_DELETE = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
_LOCK = ["s3:PutObjectRetention", "s3:PutObjectLegalHold"]
_NOBODY = [
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectAcl",
    "s3:PutReplicationConfiguration",
]


def worker(bucket: str, sources: Sequence[str], prefix: str = "") -> Policy:
    """Backup workers: write what they back up, under their own sources; remove and lock nothing.

    They may read every object: all but signed documents is sealed to others, and a repeated put has
    to look at what is there. `["*"]` means all sources.
    """
    writes = ["packs/*", f"{PROBE_PREFIX}*"]
    for source in sources:
        writes += [f"{kind}/{source}/*" for kind in ("commits", "snapshots", "state")]
        writes.append(f"evidence/worker-{source}/*")
    return _policy(_look(bucket, prefix), _write(bucket, prefix, writes), _deny(_DELETE, _LOCK))


def operations(bucket: str, prefix: str = "") -> Policy:
    """Set-up, verification, rebase, restore, checkpoints: write anything but commits, state and
    the retention log; remove and lock nothing."""
    writes = [
        "RECOVER.txt",
        "recover.py",
        *(f"{each}/*" for each in ("bases", "checkpoints", "evidence", "keys", "packs")),
        *(f"{each}/*" for each in ("snapshots", "vault", "views")),
        f"{PROBE_PREFIX}*",
    ]
    return _policy(_look(bucket, prefix), _write(bucket, prefix, writes), _deny(_DELETE, _LOCK))


def retention(bucket: str, prefix: str = "") -> Policy:
    """The retention task: the only one that may remove versions, and only of what rotates. It
    cannot touch commits, vault documents, keys, checkpoints or evidence, nor any lock."""
    sweeps = _objects(bucket, prefix, ["packs/*", "snapshots/*", "state/*", "bases/*"])
    sweeps += _objects(bucket, prefix, [f"{PROBE_PREFIX}*"])
    return _policy(
        _look(bucket, prefix),
        _write(bucket, prefix, ["retention/*", "evidence/retention*", f"{PROBE_PREFIX}*"]),
        [
            {
                "Sid": "Sweep",
                "Effect": "Allow",
                "Action": ["s3:DeleteObjectVersion"],
                "Resource": sweeps,
            },
            # A delete marker would hide an object from a by-hand recovery.
            *_deny(["s3:DeleteObject"], _LOCK),
        ],
    )


def lock_keeper(bucket: str, prefix: str = "") -> Policy:
    """The task that extends locks; COMPLIANCE locks cannot be shortened by anybody. Legal holds are
    no role's: who may set one may lift one, and a held matter's packs are kept by their locks.

    The cap is AWS'; SeaweedFS does not know the condition.
    """
    return _policy(
        _look(bucket, prefix),
        [
            {
                "Sid": "Extend",
                "Effect": "Allow",
                "Action": ["s3:PutObjectRetention"],
                "Resource": _objects(bucket, prefix, ["*"]),
            },
            {
                "Sid": "NotForACentury",
                "Effect": "Deny",
                "Action": ["s3:PutObjectRetention"],
                "Resource": "*",
                "Condition": {
                    "NumericGreaterThan": {
                        "s3:object-lock-remaining-retention-days": str(MAX_LOCK_DAYS)
                    }
                },
            },
            *_deny(_DELETE, ["s3:PutObject", "s3:PutObjectLegalHold"]),
        ],
    )


def bucket_policy(bucket: str) -> Policy:
    """For the bucket itself, whoever asks: no overwriting put, nothing over plain HTTP.

    With it a stolen worker cannot even lay a new version on top of an object.
    """
    both = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    everybody = {"Effect": "Deny", "Principal": "*"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyNewNames",
                **everybody,
                "Action": "s3:PutObject",
                "Resource": both[1],
                "Condition": {
                    "Null": {"s3:if-none-match": "true"},
                    "Bool": {"s3:ObjectCreationOperation": "true"},
                },
            },
            {
                "Sid": "OnlyTls",
                **everybody,
                "Action": "s3:*",
                "Resource": both,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def lock_configuration(days: int = DEFAULT_LOCK_DAYS) -> Policy:
    """For `put-object-lock-configuration`. A bucket for matter keys gets none of it."""
    return {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}},
    }


def shipped() -> dict[str, Policy]:
    """What lies in docs/policies/, by file name."""
    bucket, source = "BUCKET", "SOURCE"
    return {
        "worker.json": worker(bucket, [source]),
        "operations.json": operations(bucket),
        "retention.json": retention(bucket),
        "lock-keeper.json": lock_keeper(bucket),
        "bucket-policy.json": bucket_policy(bucket),
        "object-lock.json": lock_configuration(),
    }


def _policy(*parts: Sequence[Mapping[str, Any]]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [each for part in parts for each in part]}


def _look(bucket: str, prefix: str) -> list[Mapping[str, Any]]:
    return [
        {
            "Sid": "LookAtBucket",
            "Effect": "Allow",
            "Action": list(_LOOK_BUCKET),
            "Resource": [f"arn:aws:s3:::{bucket}"],
        },
        {
            "Sid": "LookAtObjects",
            "Effect": "Allow",
            "Action": list(_LOOK_OBJECT),
            "Resource": _objects(bucket, prefix, ["*"]),
        },
    ]


def _write(bucket: str, prefix: str, names: Sequence[str]) -> list[Mapping[str, Any]]:
    return [
        {
            "Sid": "Write",
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": _objects(bucket, prefix, names),
        }
    ]


def _deny(*actions: Sequence[str]) -> list[Mapping[str, Any]]:
    """Said although nothing allows it: a deny also holds when somebody attaches more later."""
    denied = sorted({*_NOBODY, *(action for each in actions for action in each)})
    return [{"Sid": "Never", "Effect": "Deny", "Action": denied, "Resource": "*"}]


def _objects(bucket: str, prefix: str, names: Sequence[str]) -> list[str]:
    above = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return [f"arn:aws:s3:::{bucket}/{above}{name}" for name in names]
