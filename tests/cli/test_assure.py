"""check and verify through the command, with damage planted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Office, Terminal
from tests.cli.test_restore import spoil


def packs(office: Office) -> list[Path]:
    return sorted(p for p in (office.store / "packs").rglob("*") if p.is_file())


def codes(report: dict[str, object]) -> set[str]:
    findings = report["findings"]
    assert isinstance(findings, list)
    return {f["code"] for f in findings}


def test_a_good_vault_is_good_with_and_without_keys(office: Office, terminal: Terminal) -> None:
    report = terminal.json("check", "--read-back", "all")
    assert report["good"] and report["freshness"] == "not proven"
    assert report["read_back"]["objects"] > 0
    for key in ("operations.age-identity", "operations.pem"):
        (office.keys / key).unlink()
    assert terminal.json("check")["good"]
    assert "GOOD" in terminal("check").out
    terminal("verify", "all", code=3)


def test_a_flipped_byte_is_found_by_reading_back_and_names_the_matters(
    office: Office, terminal: Terminal
) -> None:
    spoil(packs(office)[0])

    assert terminal.json("check")["good"]
    report = terminal.json("check", "--read-back", "all", code=6)

    finding = report["findings"][0]
    assert finding["code"] == "D133"
    assert finding["snapshots"] and finding["matters"]
    assert all(m.startswith("M-") for m in finding["matters"])


def test_no_client_or_file_is_named_by_a_finding(office: Office, terminal: Terminal) -> None:
    for pack in packs(office):
        spoil(pack)
    titles = [title for _, title in office.truths[0].matters]

    for asked in (["check", "--read-back", "all"], ["verify", "all"]):
        answer = terminal(*asked, code=6)
        assert "NOT GOOD" in answer.out
        assert not any(title in answer.out + answer.err for title in titles)
        assert "Matters/" not in answer.out


def test_a_missing_pack_is_found_without_any_key(office: Office, terminal: Terminal) -> None:
    packs(office)[0].unlink()
    (office.keys / "operations.age-identity").unlink()

    assert "D130" in codes(terminal.json("check", code=6))


def test_a_pack_that_was_cut_is_found(office: Office, terminal: Terminal) -> None:
    pack = packs(office)[0]
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:-1])

    assert "D131" in codes(terminal.json("check", code=6))
    assert "D152" in codes(terminal.json("verify", "all", code=6))


def test_verify_draws_the_same_matter_for_the_same_seed(office: Office, terminal: Terminal) -> None:
    first = terminal.json("verify", "all", "--seed", "5")
    again = terminal.json("verify", "all", "--seed", "5")

    assert first["matter"] == again["matter"] != ""
    assert first["packs"] == first["packs_of"] > 0
    assert terminal.json("verify")["part"].endswith("/13")


def test_verify_finds_what_check_finds_too(office: Office, terminal: Terminal) -> None:
    (office.store / "notes.txt").write_text("who am I")
    weighed = terminal.json("check", code=6)
    report = terminal.json("verify", "all", code=6)
    assert codes(weighed) <= codes(report)
    assert report["checked"] == {"objects": weighed["objects"], "bytes": weighed["bytes"]}
    assert report["packs"] == report["packs_of"]


def test_a_store_that_was_set_back_is_seen_by_the_mark_only(
    office: Office, terminal: Terminal
) -> None:
    mark = terminal.json("checkpoint")["mark"]
    assert terminal.json("check", "--outside-mark", mark)["freshness"] == "proven"
    shutil.rmtree(office.store / "checkpoints")
    newest = sorted((office.store / "commits" / "files").iterdir())[-1]
    digest = terminal.json("snapshots")["snapshots"][-1]["digest"]
    newest.unlink()

    assert terminal.json("check")["good"]
    assert "D125" in codes(terminal.json("check", "--outside-mark", mark, code=6))
    told = ["--outside-commit", f"files/2/{digest}"]
    assert "D120" in codes(terminal.json("check", *told, code=6))


def test_a_checkpoint_kept_as_a_file_proves_freshness(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    name = terminal.json("checkpoint")["object"]
    kept = tmp_path / "kept.json"
    kept.write_bytes((office.store / name).read_bytes())
    assert terminal.json("check", "--outside-checkpoint", kept)["freshness"] == "proven"

    shutil.rmtree(office.store / "checkpoints")
    sorted((office.store / "commits" / "files").iterdir())[-1].unlink()
    assert "D121" in codes(terminal.json("check", "--outside-checkpoint", kept, code=6))


def test_a_foreign_object_is_tampering(office: Office, terminal: Terminal) -> None:
    (office.store / "notes.txt").write_text("who am I")
    assert codes(terminal.json("check", code=6)) == {"T205"}


def test_a_forged_commit_is_never_believed(office: Office, terminal: Terminal) -> None:
    folder = office.store / "commits" / "files"
    forged = (folder / "00000002.json").read_bytes().replace(b'"sig":"', b'"sig":"AAAA')
    (folder / "00000003.json").write_bytes(forged)

    assert "T203" in codes(terminal.json("check", code=6))
    assert [s["seq"] for s in terminal.json("snapshots")["snapshots"]] == [1, 2]


@pytest.mark.parametrize(
    "asked",
    [
        ["check", "--read-back", "0/3"],
        ["check", "--read-back", "four"],
        ["check", "--outside-mark", "xyz"],
        ["check", "--outside-commit", "files"],
        ["check", "--outside-checkpoint", "/no/such/file"],
        ["verify", "9/3"],
    ],
)
def test_a_part_or_mark_that_is_none_is_a_usage_error(
    office: Office, terminal: Terminal, asked: list[str]
) -> None:
    assert terminal.json(*asked, code=2)["error"]["code"] == "USAGE"
