"""sources.<id>.m365 of firm.yaml, and what names a matter there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from muniment.config.m365 import M365Matter, M365Options
from muniment.config.mail_rules import MailRules

STATE = {"state": "/var/lib/muniment/example-state"}
GUID = "6d0f7a8e-2b1c-4c5d-9e3f-5a4b3c2d1e0f"


@pytest.mark.parametrize(
    "given",
    [
        {"tenant": "https://login.microsoftonline.com/firm"},
        {"client_id": "the backup app"},
        {"client_secret": "Zr5~pYfVtB1kLq0aWmXcUeN7"},
        {"cloud": "germany"},
        {"services": []},
        {"services": ["mail", "teams"]},
        {"managed_identity": "yes"},
        {"client_secret": "env:A", "certificate": "env:B"},
        {"graph": "https://localhost:1"},
        {"login": "http://localhost:1", "graph": "http://localhost:2"},
        {"versions": -1},
        {"at_once": 0},
        {"matters": [{"folder": "Matters/{number}", "subject": "{number}"}]},
        {"matters": [{}]},
        {"matters": [{"folder": "Matters/*"}]},
        {"matters": [{"address": "*@client.example", "category": None}]},
        {"matters": [{"category": "Matter {number}", "matter": "2026-1"}]},
        {"matters": [{"subject": "a/{number}"}]},
        {"restore": {"client_id": GUID}},
        {"restore": {"client_id": GUID, "client_secret": "env:A", "certificate": "env:B"}},
        {"restore": {"client_id": "the restore app", "client_secret": "env:A"}},
        {"client_id": GUID.upper(), "restore": {"client_id": GUID, "client_secret": "env:A"}},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        M365Options.model_validate(STATE | given)
    assert "Zr5" not in str(refused.value)


def test_what_is_left_out_is_everything_read_only_and_global() -> None:
    options = M365Options.model_validate(STATE)
    assert options.services == ("mail", "calendars", "contacts", "onedrive", "sharepoint")
    assert (options.cloud, options.versions, options.at_once) == ("global", 0, 4)
    assert options.restore is None


def rules(*given: dict[str, str]) -> MailRules:
    return MailRules([M365Matter.model_validate(one) for one in given])


def test_the_first_rule_that_matches_decides() -> None:
    held = rules(
        {"folder": "**/Matters/{number} {title}/**"},
        {"category": "Matter {number}"},
        {"subject": "*[{number}]*"},
        {"address": "*@client.example", "matter": "2026-7"},
    )
    assert held.by_folder
    for given, number, title in (
        ({"folder": "Inbox/Matters/2026-1 Smith"}, "2026-1", "Smith"),
        ({"folder": "Inbox/Matters/2026-1 Smith/Letters", "subject": "[2026-3]"}, "2026-1", "Smith"),
        ({"categories": ["Urgent", "Matter 2026-2"], "subject": "[2026-3]"}, "2026-2", ""),
        ({"subject": "Re: the deed [2026-3] and/or more"}, "2026-3", ""),
        ({"addresses": ["someone@firm.example", "Ann@Client.Example"]}, "2026-7", ""),
    ):  # fmt: skip
        found = held.match(**given)
        assert found is not None and (found.number, found.title) == (number, title)
    assert (
        held.match(folder="Inbox", subject="the deed", addresses=["someone@firm.example"]) is None
    )
    assert rules().match(folder="Matters/2026-1 Smith") is None


def test_other_rules_have_another_mark() -> None:
    assert rules({"category": "Matter {number}"}).mark != rules({"category": "{number}"}).mark
    assert not rules({"category": "{number}"}).by_folder


def test_a_hostile_subject_is_looked_at_in_time() -> None:
    assert rules({"subject": "*[{number}]*"}).match(subject="[1" * 100_000) is None
