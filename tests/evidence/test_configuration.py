"""Which inventory was in force: noted when it changes, sealed as it was, by whoever reads it later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.config.load import FirmConfig, load_firm
from muniment.errors import NoKey
from muniment.evidence.configuration import (
    CHANGED,
    Configuration,
    document_of,
    load_timeline,
    note_configuration,
)
from muniment.evidence.events import CONFIGURATION
from muniment.evidence.past import look_back
from muniment.vault.evidence import load_stream, open_detail
from tests.support.firms import FIRM_YAML, ROWS, cells, write_firm
from tests.support.practice import Practice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_firm(tmp_path)


def changed(folder: Path, *rows: dict[str, str], yaml: str = FIRM_YAML) -> FirmConfig:
    return load_firm(write_firm(folder.parent, yaml, rows))


def later(practice: Practice, hours: float) -> None:
    assert isinstance(practice.clock, FixedClock)
    practice.clock.advance(timedelta(hours=hours))


def test_it_is_noted_once_and_again_when_a_document_changed(
    practice: Practice, folder: Path
) -> None:
    config = load_firm(folder)
    assert note_configuration(practice.vault(), config, "main")
    assert not note_configuration(practice.vault(), config, "main")
    later(practice, 5)
    assert note_configuration(practice.vault(), changed(folder, cells("files")), "main")

    timeline = load_timeline(practice.vault("nobody"))
    first, second = timeline.periods
    assert first.configuration.schedules == {
        "files": "0 2 * * *", "archive": "0 3 * * 0", "ledger": "0 2 * * *",
    }  # fmt: skip
    assert first.configuration.trust == {"ledger"}
    assert first.configuration.restore_seconds["files"] == 4 * 3600
    assert first.until == second.since and second.until is None
    assert second.configuration.schedules == {"files": "0 2 * * *"}
    assert timeline.at(second.since - timedelta(seconds=1)) == first.configuration
    assert timeline.at(second.since) == second.configuration
    assert timeline.at(first.since - timedelta(seconds=1)) is None
    assert timeline.noted and timeline.findings == ()


def test_both_documents_are_there_as_they_were_for_who_has_a_key(
    practice: Practice, folder: Path
) -> None:
    before = {n: (folder / n).read_bytes() for n in ("firm.yaml", "inventory.csv")}
    note_configuration(practice.vault(), load_firm(folder), "main")
    changed(folder, cells("files"))
    stream = load_stream(practice.store, practice.vault().trust, CONFIGURATION)
    [entry] = stream.events(CHANGED)
    opened = open_detail(practice.vault("escrow"), entry)
    assert {name: document_of(opened, name) for name in opened} == before
    with pytest.raises(NoKey):
        open_detail(practice.vault("worker"), entry)


def test_no_name_address_or_pattern_stands_in_the_clear(practice: Practice, folder: Path) -> None:
    note_configuration(practice.vault(), load_firm(folder), "main")
    stream = load_stream(practice.store, practice.vault().trust, CONFIGURATION)
    clear = " ".join(str({**e.facts, "s": e.subject}) for e in stream.events())
    for secret in ("Testers", "partner@", "/srv/files", "Scanner", "Matter files", "s3://"):
        assert secret not in clear


def test_a_row_that_became_unusable_by_mistake_stays_due(practice: Practice, folder: Path) -> None:
    note_configuration(practice.vault(), load_firm(folder), "main")
    later(practice, 12)
    broken = changed(folder, *ROWS[:2], cells("ledger", trust_data="maybe"))
    assert [e.source_id for e in broken.errors] == ["ledger"]
    note_configuration(practice.vault(), broken, "main")
    later(practice, 12)
    note_configuration(practice.vault(), broken, "main")
    last = load_timeline(practice.vault()).periods[-1].configuration
    assert last.schedules["ledger"] == "0 2 * * *"
    assert last.unusable == {"ledger"} and last.trust == {"ledger"}
    later(practice, 24 * 3)
    missed = {r.source for r in look_back(practice.vault("nobody")).ledger.runs}
    assert "ledger" in missed


def test_a_source_of_another_destination_is_that_ones(practice: Practice, folder: Path) -> None:
    config = changed(folder, cells("files"), cells("archive", destination="second"))
    note_configuration(practice.vault(), config, "second")
    [period] = load_timeline(practice.vault()).periods
    assert period.configuration.schedules.keys() == {"archive"}


def test_documents_that_change_while_they_are_noted_are_noted_the_next_time(
    practice: Practice, folder: Path
) -> None:
    config = load_firm(folder)
    changed(folder, cells("files"))
    assert not note_configuration(practice.vault(), config, "main")
    assert note_configuration(practice.vault(), load_firm(folder), "main")


def test_until_one_is_noted_the_one_at_hand_stands_in_and_it_is_said(
    practice: Practice, folder: Path
) -> None:
    later(practice, 24 * 3)
    past = look_back(practice.vault("nobody"), load_firm(folder), "main")
    assert not past.noted
    assert {(r.source, r.result.value) for r in past.ledger.runs} == {
        ("files", "never_started"), ("ledger", "never_started"),
    }  # fmt: skip
    nothing = look_back(practice.vault("nobody"))
    assert nothing.ledger.runs == () and nothing.began is None


def test_accepted_exceptions_are_noted_with_their_pattern_sealed(
    practice: Practice, folder: Path
) -> None:
    note_configuration(practice.vault(), load_firm(folder), "main")
    later(practice, 1)
    note_configuration(practice.vault(), changed(folder, *ROWS, cells("new")), "main")
    [exception] = load_timeline(practice.vault()).exceptions
    assert (exception.source, exception.accepted_by) == ("files", "partner")
    assert (exception.accepted_on, exception.until) == ("2026-01-15", "2026-03-31")


@pytest.mark.parametrize(
    "facts",
    [
        {"zone": "Nowhere/Land", "schedule.files": "0 2 * * *"},
        {"zone": 7, "schedule.files": "every now and then", "restore_seconds.files": "soon"},
        {"trust.files": "yes", "unusable.files": 1, "later.version": {}},
    ],
)
def test_facts_of_another_hand_never_stop_a_report(
    practice: Practice, facts: dict[str, object]
) -> None:
    from muniment.vault.evidence import append

    clean = {k: v for k, v in facts.items() if not isinstance(v, dict)}
    append(practice.vault(), CONFIGURATION, CHANGED, facts=clean)  # type: ignore[arg-type]
    [period] = load_timeline(practice.vault()).periods
    assert period.configuration.zone == "UTC"
    assert isinstance(period.configuration, Configuration)
    look_back(practice.vault())
