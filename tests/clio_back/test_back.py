"""Writing a matter back: what is sent, what is not, and what happens to bytes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from muniment.errors import NeverWrittenBack
from muniment.recovery.clio_back import papers
from muniment.recovery.written_back.outcome import Status, WriteReport
from muniment.sources.clio.transport import Transport
from muniment.sources.clio.writing import Writer
from muniment.sources.web.changes import Unanswered
from muniment.sources.web.exact import parse
from tests.simulators.clio.running import Running, running
from tests.support.clio_back import Case, backed_up
from tests.support.clio_client import client, fault
from tests.support.clio_matter import Told, rich_matter, upload

Sent = tuple[str, str, Any]
"""Method, path, and what was sent to the API."""


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, matters=2, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture(scope="module")
def case(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> Case:
    matter = rich_matter(sim)
    large = b"".join(number.to_bytes(4, "big") for number in range(3_000_000))
    upload(sim, {"id": matter, "type": "Matter"}, "Large.bin", large)
    return backed_up(tmp_path_factory.mktemp("firm"), sim, matter)


@pytest.fixture
def again(case: Case, sim: Running) -> Iterator[Case]:
    """After the test the matter that it made is gone, so that the next one may make it anew."""
    yield case
    sim.control("faults", clear=True)
    for row in sim.rows("matters.json", fields="id,client_reference"):
        if "muniment-" in str(row["client_reference"]):
            assert sim.request("DELETE", f"matters/{row['id']}.json").status_code == 204


def listening(heard: list[Sent], tokens: dict[str, set[bool]] | None = None) -> type[Transport]:
    class Listening(Transport):
        def _send(
            self, method: str, url: str, headers: Any, *args: Any, **named: Any
        ) -> requests.Response:
            body = named.get("body") or (args[1] if len(args) > 1 else None)
            host, path = urlsplit(url).netloc, urlsplit(url).path
            told = parse(body)["data"] if path.startswith("/api/") and body else None
            heard.append((method, path, told))
            if tokens is not None:
                tokens.setdefault(host, set()).add("Authorization" in headers)
            return super()._send(method, url, headers, *args, **named)

    return Listening


def test_a_new_matter_says_what_the_old_one_says_and_the_old_one_is_as_it_was(
    again: Case, sim: Running, tmp_path: Path
) -> None:
    before = Told(sim, again.matter)
    heard: list[Sent] = []
    tokens: dict[str, set[bool]] = {}
    report = again.back(tmp_path, made=listening(heard, tokens))
    assert report.whole and report.strays == []
    assert Told(sim, report.matter).says() == before.says()
    assert Told(sim, again.matter).digest() == before.digest()
    own = Told(sim, report.matter).own
    assert own["client_reference"].startswith(
        f"PQ-7 | restored from {number(sim, again)} | muniment-"
    )
    assert len(report.outcomes) == again.plan.choices[0].items
    _nobody_is_told(heard)
    _only_what_may_be_written(heard)
    # The token goes to Clio and nowhere else.
    api, storage = (urlsplit(sim.told[name]).netloc for name in ("app", "storage"))
    assert tokens == {api: {True}, storage: {False}}


def number(sim: Running, case: Case) -> str:
    row = sim.get(f"matters/{case.matter}.json", fields="display_number").json()["data"]
    return str(row["display_number"])


def _nobody_is_told(heard: list[Sent]) -> None:
    sent = [(path, data) for method, path, data in heard if method == "POST"]
    for path, data in sent:
        assert "notification_event_subscribers" not in data
        assert "clio_connect_email" not in data and "reminders" not in data
        if path.endswith("/tasks.json"):
            assert data["notify_assignee"] is False and data["notify_completion"] is False
        if path.endswith("/calendar_entries.json"):
            assert data["send_email_notification"] is False


def _only_what_may_be_written(heard: list[Sent]) -> None:
    changed = {
        (m, p.removeprefix("/api/v4/").split("/")[0].removesuffix(".json"))
        for m, p, _ in heard
        if m != "GET"
    }
    assert changed <= {
        ("POST", "matters"), ("PATCH", "matters"), ("POST", "relationships"), ("POST", "folders"), ("POST", "communications"),
        ("POST", "documents"), ("PATCH", "documents"), ("POST", "notes"), ("POST", "tasks"), ("POST", "calendar_entries"),
        ("POST", "damages"), ("POST", "activities"), ("PUT", ""),
    }  # fmt: skip
    assert not any(method == "DELETE" for method, _, _ in heard)


def test_a_large_file_goes_up_in_parts(
    again: Case, sim: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "SINGLE_MOST", 1 << 20)
    monkeypatch.setattr(papers, "PART", 1 << 20)
    monkeypatch.setattr(papers, "PARTS_AT_ONCE", 5)
    sim.control("settings", part_bytes=1 << 20)
    fault(sim, "server_error", "^PUT .*partNumber=7", times=2)
    fault(sim, "torn_body", "^POST /api/v4/documents", times=3)
    report = again.back(tmp_path)
    assert report.whole, report.as_dict()["bad"]
    assert (
        Told(sim, report.matter).says()["documents"] == Told(sim, again.matter).says()["documents"]
    )


def test_what_the_vendor_refuses_is_told_of_that_row_alone(
    again: Case, sim: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.recovery.clio_back import body

    real = body.WORK["damages"]

    def wrong(*given: Any) -> body.Body:
        made = real(*given)
        made.sent["colour"] = "red"
        return made

    monkeypatch.setattr(body, "WORK", {**body.WORK, "damages": wrong})
    report = again.back(tmp_path)
    bad = [(o.kind, o.status, o.why) for o in report.outcomes if o.bad]
    assert bad == [("damages", Status.FAILED, "Clio refuses it: 422 ArgumentError")]
    assert not report.whole
    monkeypatch.undo()
    assert again.back(tmp_path).whole


def test_a_process_that_is_killed_is_gone_on_with(
    again: Case, sim: Running, tmp_path: Path
) -> None:
    for at in (20, 30):
        child = multiprocessing.get_context("fork").Process(
            target=again.back, args=(tmp_path,), kwargs={"made": killed_at(at)}
        )
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
    report = again.back(tmp_path)
    assert report.whole, report.as_dict()["bad"]
    assert Told(sim, report.matter).says() == Told(sim, again.matter).says()


def killed_at(at: int) -> type[Transport]:
    count = [0]

    class KilledAt(Transport):
        def _send(self, *args: Any, **named: Any) -> requests.Response:
            count[0] += 1
            answer = super()._send(*args, **named)
            if count[0] == at:
                _ = answer.content
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

    return KilledAt


def test_a_second_object_and_one_more_version_are_found_though_all_else_is_right(
    again: Case, sim: Running, tmp_path: Path
) -> None:
    report = again.back(tmp_path)
    note = Told(sim, report.matter).rows("notes")[0]
    data = {"type": "Matter", "matter": {"id": int(report.matter)}}
    data |= {k: note[k] for k in ("subject", "detail", "detail_text_type", "date")}
    assert sim.request("POST", "notes.json", json={"data": data}).status_code == 201
    letter = next(o.new for o in report.outcomes if o.kind == "documents" and o.new)
    upload(sim, {"id": int(letter), "type": "Document"}, "x", b"one more")
    worse: WriteReport = again.back(tmp_path)
    assert not worse.whole and [kind for kind, _ in worse.strays] == ["notes"]
    assert [(o.kind, o.differs) for o in worse.outcomes if o.bad] == [("documents", ["versions"])]


@pytest.mark.parametrize("collection", ["bank_transactions", "trust_requests", "bills", "bank_accounts", "allocations", "users"])  # fmt: skip
def test_money_is_refused_before_a_request_is_made(
    sim: Running, tmp_path: Path, collection: str
) -> None:
    heard: list[Sent] = []
    writer = Writer(client(sim, tmp_path, transport=listening(heard)).transport)
    with pytest.raises(NeverWrittenBack):
        writer.make(collection, {"amount": 1}, "id")
    with pytest.raises(NeverWrittenBack):
        writer.change(collection, "101", {"amount": 1})
    assert heard == []


def test_a_request_without_an_answer_is_sent_once(sim: Running, tmp_path: Path) -> None:
    writer = Writer(client(sim, tmp_path).transport)
    for name, more in (("torn_body", {}), ("server_error", {"status": 502})):
        fault(sim, name, "^POST /api/v4/contacts", times=1, **more)
        sim.control("counters", reset=True)
        with pytest.raises(Unanswered):
            writer.make("contacts", {"name": "Once", "type": "Company"}, "id")
        assert sim.control("counters")["endpoints"] == {"POST /api/v4/contacts.json": 1}
    # The first was made; of the second the vendor said nothing.
    assert len(sim.rows("contacts.json", query="Once")) == 1
    # What the vendor refused for its rate was not made, and is sent again.
    fault(sim, "rate_limited", "^POST /api/v4/contacts", times=2, seconds=1)
    assert writer.make("contacts", {"name": "Twice", "type": "Company"}, "id")["id"]
    assert len(sim.rows("contacts.json", query="Twice")) == 1
    sim.control("faults", clear=True)
