"""A store that refuses, is busy, spoils bytes, hangs or is away: the real S3 server behind a proxy."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.bad_input.conftest import Bucket, four_answers
from tests.support.faulty_s3 import Exchange


def is_pack(one: Exchange) -> bool:
    return one.method == "PUT" and "/packs/" in one.name


def test_a_key_that_was_revoked_is_said_at_once(bucket: Bucket) -> None:
    bucket.proxy.before = lambda one: one.refuse(403, "InvalidAccessKeyId")

    error = bucket.trouble.of_files("M410", 5)

    assert "the credential" in error["what"]
    assert "secret" not in str(error)
    # Two runs were tried, with one request each: a refusal is not retried.
    assert len(bucket.proxy.requests) == 2
    symptoms = bucket.office.muniment("doctor", "--json", code=5).symptoms()
    assert "M410" in symptoms["destination main"]["what"]
    bucket.proxy.heal()
    bucket.trouble.mended()


def test_a_policy_that_refuses_packs_makes_the_run_incomplete(bucket: Bucket) -> None:
    def refuse(one: Exchange) -> None:
        if is_pack(one):
            one.refuse(403, "AccessDenied")

    bucket.proxy.before = refuse
    error = bucket.trouble.of_files("M410", 7, shard=True)

    assert "docs/policies/" in error["todo"]
    tried = [name for name in bucket.proxy.requests if "PUT" in name and "/packs/" in name]
    assert len(tried) == len(set(tried)) == 2
    bucket.trouble.earlier_is_unharmed()
    bucket.proxy.heal()
    bucket.trouble.mended()


def test_a_store_that_is_busy_for_a_moment_is_waited_for(bucket: Bucket) -> None:
    left = [2]

    def busy(one: Exchange) -> None:
        if is_pack(one) and left[0]:
            left[0] -= 1
            one.refuse(503, "SlowDown")

    bucket.proxy.before = busy
    runs = bucket.office.back_up_all().runs()

    assert runs["files"]["outcome"]["completeness"] == "complete"
    assert left == [0]
    bucket.trouble.mended()


def test_a_store_that_stays_busy_is_said_after_the_retries(bucket: Bucket) -> None:
    bucket.proxy.before = lambda one: one.refuse(503, "SlowDown")

    error = bucket.trouble.of_files("M420", 5)

    assert "503 (SlowDown)" in error["what"]
    assert len(bucket.proxy.requests) == 2 * 5
    bucket.proxy.heal()
    bucket.trouble.mended()


def spoil(one: Exchange) -> None:
    middle = len(one.body) // 2
    one.body = one.body[:middle] + bytes([one.body[middle] ^ 1]) + one.body[middle + 1 :]


def test_bytes_that_change_on_the_way_are_refused_by_the_store_and_sent_again(
    bucket: Bucket,
) -> None:
    left = [2]

    def once(one: Exchange) -> None:
        if is_pack(one) and left[0]:
            left[0] -= 1
            spoil(one)

    bucket.proxy.before = once
    runs = bucket.office.back_up_all().runs()

    assert runs["files"]["outcome"]["completeness"] == "complete"
    assert left == [0]
    bucket.trouble.mended()


def test_a_network_that_changes_every_pack_makes_the_run_incomplete(bucket: Bucket) -> None:
    def always(one: Exchange) -> None:
        if is_pack(one):
            spoil(one)

    bucket.proxy.before = always
    error = bucket.trouble.of_files("M450", 7, shard=True)

    assert "another digest" in error["what"]
    bucket.trouble.earlier_is_unharmed()
    bucket.proxy.heal()
    bucket.trouble.mended()


def test_a_store_that_tells_another_checksum_than_was_sent_is_not_believed(bucket: Bucket) -> None:
    """The upload succeeded; `validate_checksums` finds that the store holds something else."""

    def other(one: Exchange) -> None:
        if one.method == "HEAD" and "/packs/" in one.name and one.answer is not None:
            status, headers, body = one.answer
            for name in [n for n in headers if n.lower() == "x-amz-checksum-sha256"]:
                headers[name] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            one.answer = (status, headers, body)

    bucket.proxy.after = other
    error = bucket.trouble.of_files("M340", 7, shard=True)

    assert "other bytes than were sent" in error["what"]
    assert error["to"].startswith("packs/")
    bucket.proxy.heal()
    bucket.trouble.mended()


def test_a_store_that_hangs_is_given_up_and_said(bucket: Bucket) -> None:
    def hang(one: Exchange) -> None:
        if is_pack(one):
            bucket.proxy.hang()
            one.drop = True

    bucket.proxy.before = hang
    error = bucket.trouble.of_files("M420", 7, shard=True)

    assert "did not answer" in error["what"]
    assert bucket.proxy.hanging.is_set()
    bucket.proxy.heal()
    bucket.trouble.mended()


def test_an_answer_that_is_lost_after_the_commit_is_a_success(bucket: Bucket) -> None:
    dropped: list[str] = []

    def lose(one: Exchange) -> None:
        if one.method == "PUT" and "/commits/" in one.name and not dropped:
            dropped.append(one.name)
            one.drop = True

    bucket.proxy.after = lose
    runs = bucket.office.back_up_all().runs()

    assert dropped
    assert runs["files"]["outcome"]["completeness"] == "complete"
    bucket.trouble.mended()


REFUSALS = {
    "no such bucket": (404, "NoSuchBucket", "M480", "bucket's name"),
    "clock, as the store sees it": (403, "RequestTimeTooSkewed", "M410", "Set the clock"),
    "an error of the store": (500, "InternalError", "M420", "status"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_other_refusals_say_what_to_do(bucket: Bucket, refusal: tuple[int, str, str, str]) -> None:
    status, code, error, todo = refusal
    bucket.proxy.before = lambda one: one.refuse(status, code)

    assert todo in bucket.trouble.of_files(error, 5)["todo"]

    bucket.proxy.heal()
    bucket.trouble.mended()


def test_a_store_that_is_away_is_said(bucket: Bucket) -> None:
    office = bucket.office
    # Port 9 of this machine is `discard`, which nobody serves.
    office.document(main_more=office.main_more.replace(bucket.proxy.url, "http://127.0.0.1:9"))

    error = bucket.trouble.of_files("M420", 5)

    assert "EndpointConnectionError" in error["what"]
    office.document()
    bucket.trouble.mended()


def test_no_credential_says_where_one_may_lie(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with monkeypatch.context() as without:
        without.delenv("MUNIMENT_S3_CREDENTIAL")
        error = bucket.trouble.of_files("M410", 5)
    assert "there is no credential" in error["what"]
    assert "MUNIMENT_S3_CREDENTIAL" in error["todo"]
    bucket.trouble.mended()


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)], ids=["ahead", "behind"])
def test_a_clock_that_is_off_by_an_hour_stops_what_would_be_evidence(
    bucket: Bucket, off: timedelta
) -> None:
    """A folder has no clock to compare with, so `archive` cannot notice."""
    bucket.clock.off = off

    error = bucket.trouble.of_files("M120", 3)

    assert ("ahead of" if off > timedelta() else "behind") in error["what"]
    assert re.search(r" (35[5-9][0-9]|36[0-4][0-9]) seconds ", error["what"])
    assert "NTP" in error["todo"]
    symptoms = bucket.office.muniment("doctor", "--json", code=3).symptoms()
    assert re.search("differ by (1 h|59 min 59 s)", symptoms["destination main"]["what"])
    bucket.clock.off = timedelta()
    # What `archive` was given an hour too early counts as of that hour: nobody can know better.
    bucket.trouble.mended(earlier=("files",) if off < timedelta() else ("files", "archive"))


def test_a_store_that_fails_during_a_restore_leaves_nothing_half_written(bucket: Bucket) -> None:
    office = bucket.office

    def cut(one: Exchange) -> None:
        if one.method == "GET" and "/packs/" in one.name:
            one.refuse(503, "SlowDown")

    bucket.proxy.before = cut
    into = office.folder / "back"
    asked = ["restore", "--source", "files", "--to", into, "--yes", "--json"]
    error = office.muniment(*asked, code=5).json["error"]
    four_answers(error, "M420")
    assert [p for p in into.rglob("*") if p.is_file() and not p.name.startswith(".")] == []
    bucket.proxy.heal()
    office.muniment(*asked)
    bucket.trouble.mended()
