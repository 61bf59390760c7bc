"""The whole story through the command: set up, back up, look, give back, hand over."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from muniment.model.text import bytes_of, text_of
from tests.cli.conftest import Office, Terminal


def number(office: Office) -> str:
    """The matter in which a folder was deleted on the second day."""
    return office.truths[0].matters[-1][0]


def test_a_matter_comes_back_as_it_was_on_the_first_day(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    before = office.truths[0]
    for each, _ in before.matters:
        into = tmp_path / each
        report = terminal.json(
            "restore", "--matter", each, "--as-of", "2026-03-02", "--to", into, "--yes"
        )
        assert report["performed"]["failures"] == []
        assert before.compare(into / "files", before.of_matter(each)).identical


def test_a_whole_source_comes_back_as_it_is(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    answer = terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")

    assert "WHOLE" in answer.out
    assert office.truths[1].compare(tmp_path / "back" / "files").identical


def test_snapshots_are_listed_without_any_key(office: Office, terminal: Terminal) -> None:
    for name in ("worker.age-identity", "operations.age-identity", "operations.pem"):
        (office.keys / name).unlink()

    listed = terminal.json("snapshots")["snapshots"]

    assert [(s["source"], s["seq"], s["state"]) for s in listed] == [
        ("files", 1, "live"),
        ("files", 2, "live"),
    ]
    assert all(s["completeness"] == "complete" for s in listed)
    assert "live" in terminal("snapshots", "files").out


def test_ls_lists_exactly_what_the_share_held(office: Office, terminal: Terminal) -> None:
    for seq, truth in enumerate(office.truths, start=1):
        items = terminal.json("ls", "files", "--seq", str(seq))["items"]
        listed = {bytes_of(item["path"]): item for item in items}
        assert listed.keys() - {b"."} == truth.entries.keys()
        assert all(listed[path]["sha256"] == entry.sha256 for path, entry in truth.files())


def test_ls_shows_one_matter_by_its_number_and_by_its_id(
    office: Office, terminal: Terminal
) -> None:
    asked = number(office)
    by_number = terminal.json("ls", "files", "--matter", asked)["items"]
    opaque = by_number[0]["matter"]

    assert {bytes_of(i["path"]) for i in by_number} == office.truths[1].of_matter(asked).keys()
    assert terminal.json("ls", "files", "--matter", opaque)["items"] == by_number


def test_ls_as_a_person_reads_it_has_ids_when_asked(office: Office, terminal: Terminal) -> None:
    plain = terminal("ls", "files", "--path", "HR/**").out
    with_ids = terminal("ls", "files", "--path", "HR/**", "--ids").out

    item = terminal.json("ls", "files", "--path", "HR/**")["items"][-1]
    assert item["path"] in plain and item["id"] not in plain
    assert item["id"] in with_ids
    assert "Matters/" not in plain


def test_names_that_would_move_the_cursor_are_shown_as_percent_text(
    office: Office, terminal: Terminal
) -> None:
    out = terminal("ls", "files").out

    assert "two%0Alines" in out
    assert not any(ord(c) < 32 and c != "\n" for c in out)


def test_a_diff_says_what_the_day_did(office: Office, terminal: Terminal) -> None:
    before, after = office.truths
    changes = terminal.json("diff", "files", "1", "2")["changes"]
    by_kind: dict[str, set[str]] = {}
    for change in changes:
        by_kind.setdefault(change["change"], set()).add(change["path"])

    appeared = {text_of(p) for p in after.entries.keys() - before.entries.keys()}
    vanished = {text_of(p) for p in before.entries.keys() - after.entries.keys()}
    was = {change["was"] for change in changes if "was" in change}
    assert by_kind["added"] | by_kind["renamed"] == appeared
    assert by_kind["removed"] | was == vanished
    edited = {
        text_of(path)
        for path, entry in after.files()
        if path in before.entries and before.entries[path].sha256 != entry.sha256
    }
    assert by_kind["changed"] == edited
    assert "renamed" in terminal("diff", "files", "1", "2").out


def test_matters_have_number_title_and_id(office: Office, terminal: Terminal) -> None:
    listed = terminal.json("matters")["matters"]

    named = {(m["number"], m["title"]) for m in listed if m["id"]}
    assert named == set(office.truths[1].matters)
    assert [m["number"] for m in listed if not m["id"]] == ["(unassigned)"]
    assert all(m["number"] in terminal("matters").out for m in listed)


def test_show_resolves_opaque_ids(office: Office, terminal: Terminal) -> None:
    asked = number(office)
    item = terminal.json("ls", "files", "--matter", asked)["items"][-1]

    matter = terminal.json("show", item["matter"])
    assert matter["sources"][0]["number"] == asked
    shown = terminal.json("show", "files", item["id"])
    assert shown["versions"][-1]["path"] == item["path"]
    assert terminal.json("show", item["id"][:12])["item"] == item["id"]
    assert item["path"] in terminal("show", item["id"]).out


def test_an_item_tells_its_whole_life(office: Office, terminal: Terminal) -> None:
    before, after = office.truths
    gone = next(path for path, _ in before.files() if path not in after.entries)
    items = terminal.json("ls", "files", "--seq", "1")["items"]
    item = next(i for i in items if bytes_of(i["path"]) == gone)

    events = [v["event"] for v in terminal.json("show", item["id"])["versions"]]
    assert events == ["added", "removed"]
    explained = terminal("explain", item["id"]).out
    assert "no longer in the source" in explained
    assert "snapshot 1 (live)" in explained


def test_a_single_item_of_the_first_day_comes_back(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    before, after = office.truths
    gone = next(p for p, e in before.files() if p not in after.entries and e.size)
    items = terminal.json("ls", "files", "--seq", "1")["items"]
    item = next(i for i in items if bytes_of(i["path"]) == gone)

    asked = ["restore", "--item", item["id"], "--as-of", "2026-03-02 12:00"]
    terminal(*asked, "--to", tmp_path / "one", "--yes")

    found = [p for p in (tmp_path / "one").rglob("*") if p.is_file()]
    assert len(found) == 1
    assert hashlib.sha256(found[0].read_bytes()).hexdigest() == before.entries[gone].sha256


def test_a_path_pattern_comes_back(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    terminal("restore", "--path", "HR/**", "--to", tmp_path / "hr", "--yes")

    truth = office.truths[1]
    wanted = {p: e for p, e in truth.entries.items() if p == b"HR" or p.startswith(b"HR/")}
    assert truth.compare(tmp_path / "hr" / "files", wanted).identical


def test_an_unchanged_source_costs_one_small_commit(office: Office, terminal: Terminal) -> None:
    # The copy lies elsewhere than the original did.
    terminal("backup", "files", "--accept-mass-deletion")
    terminal.tomorrow()

    run = terminal.json("backup", "files")["runs"][0]

    assert run["outcome"]["counts"]["read_bytes"] == 0
    assert run["outcome"]["counts"]["added"] == 0
    assert run["outcome"]["completeness"] == "complete"


def test_upkeep_leaves_every_snapshot_as_it_was(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    assert terminal.json("rebase")["sources"][0]["source"] == "files"
    based = terminal.json("rebase", "files", "--force")["sources"][0]
    assert based["covers"] == 2 and based["base"].startswith("bases/files/")
    terminal("rebuild-state", "files")
    mark = terminal.json("checkpoint")["mark"]

    terminal("restore", "--source", "files", "--to", tmp_path / "two", "--yes")
    assert office.truths[1].compare(tmp_path / "two" / "files").identical
    first = ["restore", "--source", "files", "--as-of", "2026-03-02"]
    terminal(*first, "--to", tmp_path / "one", "--yes")
    assert office.truths[0].compare(tmp_path / "one" / "files").identical
    terminal("backup", "files", "--accept-mass-deletion")
    assert terminal.json("check", "--outside-mark", mark)["freshness"] == "proven"


def test_explain_knows_codes_sources_and_matters(office: Office, terminal: Terminal) -> None:
    assert terminal.json("explain", "m220")["explained"]["exit_code"] == "4"
    assert "no key" not in terminal("explain", "D130").err
    about = terminal.json("explain", "files")["explained"]
    assert about["newest"]["seq"] == 2 and about["method"] == "muniment"
    about = terminal.json("explain", "laptops")["explained"]
    assert about["method"] == "none" and about["risks"]
    terminal("explain", "M999", code=2)


def test_version_says_which_format_it_writes(terminal: Terminal) -> None:
    assert terminal.json("version")["format"] == 1
    assert "format" in terminal("version").out


@pytest.mark.parametrize("asked", ["restore", "export"])
def test_without_a_yes_and_without_a_terminal_nothing_is_written(
    office: Office, terminal: Terminal, tmp_path: Path, asked: str
) -> None:
    what = ["--source", "files"] if asked == "restore" else ["files"]
    answer = terminal(asked, *what, "--to", tmp_path / "out", code=10)

    assert "--yes" in answer.err
    assert not (tmp_path / "out").exists()


def test_json_carries_surrogates_and_line_breaks_safely(office: Office, terminal: Terminal) -> None:
    text = terminal("ls", "files", "--json").out

    assert text.isascii()
    assert json.loads(text)["ok"] is True
