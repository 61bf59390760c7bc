"""S3: what the real server shows beyond the contract, and what every fault means."""

from __future__ import annotations

import pickle
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from muniment.errors import (
    ChecksumMismatch,
    KeyFileError,
    LockNotEnforced,
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreUnavailable,
    StoreUnsuitable,
)
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import S3Credential, S3Settings, make_client
from tests.support.fake_stores import digest, put
from tests.support.s3_server import S3Place, S3Server
from tests.support.sick_s3 import CUT, DROP, HANG, Answer, SickS3, sick_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = S3Credential("AKIA-TEST", "the-secret-key")


@pytest.fixture
def sick() -> Iterator[SickS3]:
    with sick_s3() as server:
        yield server


@pytest.fixture
def store(sick: SickS3) -> S3Store:
    settings = S3Settings(
        endpoint=sick.url, region="us-east-1", attempts=1, connect_seconds=1, read_seconds=0.3
    )
    return S3Store(make_client(settings, KEY), "bucket", "firm")


# -- the real server ---------------------------------------------------------------------------


def test_the_server_shows_the_checksum_it_verified(s3_place: S3Place) -> None:
    store = s3_place.store()
    put(store, "packs/ab/one", b"some bytes")
    assert store.head("packs/ab/one").sha256 == digest(b"some bytes")


def in_pages_of(client: S3Client, size: int) -> S3Client:
    """The server would take a thousand names for a page."""

    def asked(params: dict[str, object], **_: object) -> None:
        params["MaxKeys"] = size

    client.meta.events.register("before-parameter-build.s3.ListObjectVersions", asked)
    return client


def test_a_listing_of_more_than_a_page_loses_no_name(s3_place: S3Place) -> None:
    """SeaweedFS orders by folder and pages by name: `files-2/` is lost between two pages."""
    client = in_pages_of(s3_place.server.embedded.client("admin"), 20)
    names = [f"commits/files/{number:08d}.json" for number in range(45)]
    names += [f"commits/files-2/{number:08d}.json" for number in range(3)]
    names += ["bases/files/1", "commits/mail/1", "keys/id/1"]
    for name in names:
        client.put_object(Bucket=s3_place.bucket, Key=s3_place.key(name), Body=b"x")
    store = S3Store(client, s3_place.bucket, s3_place.prefix)
    for prefix in ("", "commits/", "commits/fi", "commits/files-", "commits/files/"):
        wanted = sorted(name for name in names if name.startswith(prefix))
        assert [each.name for each in store.list(prefix)] == wanted
    # The server does lose names when it is believed: or nothing was shown above.
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=s3_place.bucket, Prefix=s3_place.key("commits/")
    )
    told = [version["Key"] for page in pages for version in page.get("Versions", [])]
    assert s3_place.key("commits/files-2/00000000.json") not in told


def test_a_prefix_is_a_vault_of_its_own(s3_server: S3Server, s3_place: S3Place) -> None:
    other = s3_server.place(s3_place.bucket).store()
    put(s3_place.store(), "one", b"x")
    assert list(other.list()) == []
    # "vault-1" is no part of "vault-10".
    put(S3Store(other.client, other.bucket, f"{s3_place.prefix}0"), "two", b"y")
    assert [each.name for each in s3_place.store().list()] == ["one"]


def test_a_bucket_without_versions_is_refused(s3_server: S3Server) -> None:
    client = s3_server.client("admin")
    client.create_bucket(Bucket="no-versions")
    with pytest.raises(StoreUnsuitable, match="versions"):
        put(S3Store(client, "no-versions"), "one", b"x")


def test_a_bucket_that_is_not_there_is_no_empty_store(s3_server: S3Server) -> None:
    store = S3Store(s3_server.client("admin"), "no-such-bucket")
    with pytest.raises(StoreUnsuitable, match="bucket"):
        list(store.list())
    with pytest.raises(StoreUnsuitable, match="bucket"):
        put(store, "one", b"x")


def test_a_wrong_key_is_denied_and_not_repeated(s3_place: S3Place) -> None:
    settings = s3_place.server.embedded.settings()
    for credential in (
        KEY,
        S3Credential(s3_place.server.embedded.credential("worker").access_key, "wrong-secret"),
    ):
        store = S3Store(make_client(settings, credential), s3_place.bucket, s3_place.prefix)
        with pytest.raises(StoreDenied) as caught:
            put(store, "one", b"x")
        assert credential.access_key not in str(caught.value)
        assert credential.secret_key not in str(caught.value)


def test_the_default_lock_of_a_bucket_is_on_every_object(locked_s3_place: S3Place) -> None:
    store = locked_s3_place.store()
    version = put(store, "packs/ab/one", b"x")
    until = store.head("packs/ab/one").locked_until
    now = store.now()
    assert until is not None and now is not None and until - now > timedelta(hours=23)
    with pytest.raises(StoreDenied):
        store.delete_version("packs/ab/one", version)
    with pytest.raises(StoreDenied):
        store.attack_version("packs/ab/one", version)
    with pytest.raises(StoreDenied):
        store.attack_lock("packs/ab/one", version, now + timedelta(hours=1))


def test_a_client_with_botocores_own_checksums_reads_by_ranges(s3_place: S3Place) -> None:
    """As Airflow's S3Hook makes it: validation of every response, which a range cannot pass."""
    import boto3

    credential = s3_place.server.embedded.credential("worker")
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=s3_place.server.embedded.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credential.access_key,
        aws_secret_access_key=credential.secret_key,
    )
    store = S3Store(client, s3_place.bucket, s3_place.prefix)
    put(store, "packs/ab/one", b"0123456789" * 100_000)
    assert store.get("packs/ab/one") == b"0123456789" * 100_000
    assert store.get("packs/ab/one", start=5, length=10) == b"5678901234"
    assert store.get("packs/ab/one", start=999_995) == b"56789"


def test_the_clock_of_the_server_is_read(s3_place: S3Place) -> None:
    now = s3_place.store().now()
    assert now is not None
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=5)


# -- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "BadDigest", ChecksumMismatch),
        (400, "XAmzContentChecksumMismatch", ChecksumMismatch),
        (400, "RequestTimeout", StoreUnavailable),
        (400, "ExpiredToken", StoreDenied),
        (401, "Unauthorized", StoreDenied),
        (403, "AccessDenied", StoreDenied),
        (403, "RequestTimeTooSkewed", StoreDenied),
        (403, "SignatureDoesNotMatch", StoreDenied),
        (403, "InvalidObjectState", StoreDenied),
        (404, "NoSuchBucket", StoreUnsuitable),
        (404, "NoSuchKey", ObjectMissing),
        (404, "NoSuchVersion", ObjectMissing),
        (405, "MethodNotAllowed", ObjectMissing),
        (409, "ConditionalRequestConflict", StoreUnavailable),
        (409, "OperationAborted", StoreUnavailable),
        (412, "PreconditionFailed", ObjectExists),
        (429, "TooManyRequests", StoreUnavailable),
        (500, "InternalError", StoreUnavailable),
        (501, "NotImplemented", StoreUnsuitable),
        (503, "SlowDown", StoreUnavailable),
        (418, "Odd\nCode with AKIA", StoreUnavailable),
    ],
)
def test_every_answer_of_s3_is_one_of_our_errors(
    sick: SickS3, store: S3Store, status: int, code: str, kind: type[StoreError]
) -> None:
    sick.script.append(Answer(status, code))
    for attempt in (
        lambda: put(store, "one", b"x"),
        lambda: store.get("one"),
        lambda: list(store.list()),
        lambda: store.delete_version("one", "v1"),
    ):
        with pytest.raises(kind) as caught:
            attempt()
        assert type(caught.value) is kind
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert pickle.loads(pickle.dumps(caught.value)).what == caught.value.what


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, ObjectMissing),
        (405, ObjectMissing),
        (403, StoreDenied),
        # A bare 400 may be an expired credential: never take an object for missing by it.
        (400, StoreUnavailable),
        (503, StoreUnavailable),
    ],
)
def test_a_head_has_only_its_status(
    sick: SickS3, store: S3Store, status: int, kind: type[StoreError]
) -> None:
    sick.script.append(Answer(status))
    with pytest.raises(kind):
        store.head("one", version="v1")


def test_a_version_id_that_aws_never_gave_out_is_missing(sick: SickS3, store: S3Store) -> None:
    sick.script.append(Answer(400, "InvalidArgument", "Invalid version id specified"))
    with pytest.raises(ObjectMissing):
        store.get("one", version="nonsense")


@pytest.mark.parametrize("fault", [HANG, DROP, CUT])
def test_no_answer_and_half_an_answer_are_unavailable(
    sick: SickS3, store: S3Store, fault: str
) -> None:
    sick.script.append(fault)
    with pytest.raises(StoreUnavailable):
        store.get("one")


@pytest.mark.parametrize("fault", [HANG, DROP])
def test_a_put_without_an_answer_is_unavailable(sick: SickS3, store: S3Store, fault: str) -> None:
    sick.script.append(fault)
    with pytest.raises(StoreUnavailable):
        put(store, "one", b"x")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    settings = S3Settings(endpoint="http://127.0.0.1:9", attempts=1, connect_seconds=1)
    with pytest.raises(StoreUnavailable):
        S3Store(make_client(settings, KEY), "bucket").get("one")


def test_a_failing_request_is_repeated_as_often_as_was_said(sick: SickS3) -> None:
    settings = S3Settings(endpoint=sick.url, attempts=2)
    sick.script.extend([Answer(503, "SlowDown"), Answer(200, body=b"bytes")])
    assert S3Store(make_client(settings, KEY), "bucket").get("one") == b"bytes"
    assert len(sick.requests) == 2


def test_a_server_that_verifies_nothing_is_refused(sick: SickS3, store: S3Store) -> None:
    head = {"Last-Modified": "Wed, 25 Nov 2026 21:37:43 GMT"}
    sick.script.extend([Answer(200, headers={"x-amz-version-id": "v1"}), Answer(200, headers=head)])
    with pytest.raises(StoreUnsuitable, match="SHA-256"):
        put(store, "one", b"x")


def test_a_server_that_shows_the_checksum_late_is_accepted(sick: SickS3, store: S3Store) -> None:
    shown = {
        "x-amz-checksum-sha256": b64encode(digest(b"x")).decode(),
        "Last-Modified": "Wed, 25 Nov 2026 21:37:43 GMT",
    }
    sick.script.extend(
        [Answer(200, headers={"x-amz-version-id": "v1"}), Answer(200, headers=shown)]
    )
    assert put(store, "one", b"x") == "v1"


def test_a_composite_checksum_is_no_digest(sick: SickS3, store: S3Store) -> None:
    shown = {
        "x-amz-checksum-sha256": b64encode(digest(b"x")).decode() + "-2",
        "Last-Modified": "Wed, 25 Nov 2026 21:37:43 GMT",
    }
    sick.script.append(Answer(200, headers=shown))
    assert store.head("one").sha256 is None


def test_a_bucket_without_object_lock_says_so(sick: SickS3, store: S3Store) -> None:
    sick.script.append(Answer(400, "InvalidRequest", "Bucket is missing Object Lock Configuration"))
    with pytest.raises(LockNotEnforced):
        store.retain_until("one", datetime.now(UTC) + timedelta(days=1))


def test_a_delete_without_a_version_is_never_sent(sick: SickS3, store: S3Store) -> None:
    sick.script.append(Answer(204))
    with pytest.raises(StoreError, match="version"):
        store.delete_version("one", "")
    assert sick.requests == []


def test_an_object_beyond_one_put_is_refused_before_it_is_sent(
    sick: SickS3, store: S3Store, tmp_path: Path
) -> None:
    sick.script.append(Answer(200))
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate((5 << 30) + 1)
    with pytest.raises(StoreUnsuitable, match="5 GiB"):
        store.put("one", huge, sha256=digest(b""))
    assert sick.requests == []


# -- credentials -------------------------------------------------------------------------------


def test_a_credential_is_read_from_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "credential"
    path.write_text("aws_access_key_id = AKIA1\nAWS_SECRET_ACCESS_KEY=s3cr=et\n")
    path.chmod(0o600)
    assert S3Credential.from_file(path) == S3Credential("AKIA1", "s3cr=et")
    assert "s3cr" not in repr(S3Credential.from_file(path))


def _missing(path: Path) -> None:
    path.unlink()


def _public(path: Path) -> None:
    path.chmod(0o640)


def _half(path: Path) -> None:
    path.write_text("aws_access_key_id=AKIA1\n")


@pytest.mark.parametrize("spoil", [_missing, _public, _half])
def test_a_credential_file_that_cannot_be_trusted_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "credential"
    path.write_text("aws_access_key_id=AKIA1\naws_secret_access_key=s3cret\n")
    path.chmod(0o600)
    spoil(path)
    with pytest.raises(KeyFileError) as caught:
        S3Credential.from_file(path)
    assert "s3cret" not in str(caught.value)
