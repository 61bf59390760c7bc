"""A destination's URL says where the vault is, and carries no credential."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.errors import ConfigError
from muniment.vault.store.local import LocalStore
from muniment.vault.store.open import (
    FileDestination,
    S3Destination,
    open_store,
    parse_destination,
)
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import S3Settings
from tests.support.fake_stores import put
from tests.support.s3_server import S3Place


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("file:///mnt/vault", FileDestination(Path("/mnt/vault"))),
        ("file://localhost/mnt/my%20vault/", FileDestination(Path("/mnt/my vault"))),
        ("s3://bucket", S3Destination("bucket")),
        ("s3://bucket/", S3Destination("bucket")),
        ("s3://bucket/firm/one/", S3Destination("bucket", "firm/one")),
        (
            "s3://b/p?endpoint=https://s3.example.net:9000&region=eu-1&verify=/ca.pem&path_style=false",
            S3Destination(
                "b",
                "p",
                S3Settings("https://s3.example.net:9000", "eu-1", Path("/ca.pem"), False),
            ),
        ),
    ],
)
def test_a_destination_is_understood(url: str, wanted: object) -> None:
    assert parse_destination(url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/mnt/vault",
        "file:",
        "file:///",
        "file://server/share",
        "file:mnt/vault",
        "file:///mnt/vault?x=1",
        "s3://",
        "s3:///prefix",
        "s3://bucket/../other",
        "s3://bucket/a b",
        "s3://bucket?endpoint=ftp://x",
        "s3://bucket?endpoint=https://user:hidden@x",
        "s3://bucket?unknown=1",
        "s3://bucket?region=a&region=b",
        "s3://bucket?path_style=perhaps",
        "s3://bucket#part",
        "s3://AKIA:hidden@bucket/prefix",
        "https://bucket.example.net",
        "s3://[bad",
    ],
)
def test_a_wrong_destination_is_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_destination(url)
    assert "hidden" not in str(caught.value)


def test_a_folder_is_opened_and_not_made(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/vault")
    assert isinstance(store, LocalStore)
    assert not (tmp_path / "vault").exists()


def test_a_bucket_is_opened_with_a_roles_credential_file(s3_place: S3Place) -> None:
    server = s3_place.server.embedded
    store = open_store(server.url(s3_place.bucket, s3_place.prefix), server.credential("worker"))
    assert isinstance(store, S3Store)
    put(store, "packs/ab/one", b"x")
    assert [each.name for each in s3_place.store().list()] == ["packs/ab/one"]
