"""The form of a restore: what Airflow checks, and what is checked again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from muniment.airflow.restore_request import WHO_TRIGGERS, Form, Reason, What, read_request
from muniment.config.load import FirmConfig, load_firm
from muniment.errors import ConfigError, NobodyToSealFor, RestoreError
from muniment.vault.age import Identity
from tests.support.airflow_firm import write_firm

if TYPE_CHECKING:
    from airflow.sdk import DAG

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FORM: dict[str, Any] = {"what": "matter", "which": "2024-0113", "reason": "drill", "plain": True}
KEY = str(Identity.generate().recipient)


@pytest.fixture
def config(tmp_path: Path) -> FirmConfig:
    return load_firm(write_firm(tmp_path / "practice"))


@pytest.fixture
def opaque(tmp_path: Path) -> FirmConfig:
    more = "labels: {matter_numbers: false}\n"
    return load_firm(write_firm(tmp_path / "practice", more=more))


def read(config: FirmConfig, **form: Any) -> Any:
    return read_request({**FORM, **form}, config, NOW, "abcdefghijkl")


def test_a_plain_form_asks_for_the_newest_state_in_a_new_folder(config: FirmConfig) -> None:
    request = read(config)
    assert (request.what, request.which, request.reason) == (What.MATTER, "2024-0113", Reason.DRILL)
    assert (request.as_of, request.sources, request.overwrite) == (None, (), False)
    assert request.folder == "2026-11-25-abcdefgh"


def test_a_matter_is_delivered_as_a_file_only_where_the_form_says_so(config: FirmConfig) -> None:
    assert read(config).form is Form.ITEMS
    assert read(config, deliver_as="matter_file").form is Form.MATTER_FILE
    with pytest.raises(RestoreError, match="only a matter") as raised:
        read(config, what="item", which="0" * 32, deliver_as="matter_file")
    assert "deliver_as" in raised.value.to


def test_a_time_without_zone_is_on_the_clock_of_the_firm(config: FirmConfig) -> None:
    assert read(config, as_of="2026-11-20 17:00").as_of == datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert read(config, as_of="2026-11-20T17:00:00Z").as_of == datetime(
        2026, 11, 20, 17, tzinfo=UTC
    )


def test_the_last_clean_moment_goes_with_no_time_of_its_own(config: FirmConfig) -> None:
    assert read(config, last_clean=True).last_clean
    assert not read(config).last_clean
    with pytest.raises(RestoreError) as raised:
        read(config, last_clean=True, as_of="2026-11-20 17:00")
    assert raised.value.to == "field last_clean"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("what", "everything"),
        ("which", ""),
        ("which", None),
        ("as_of", "last Harbor day"),
        ("as_of", "2027-01-01"),
        ("sources", ["Harbor"]),
        ("sources", "files"),
        ("reason", "because of Harbor"),
        ("reason", None),
        ("deliver_as", "Harbor"),
        ("for_whom", "Harbor"),
        ("mailbox", "harbor@firm.example"),
        ("mailbox", "6d0f7a8e-2b1c-4c5d-9e3f-5a4b3c2d1e0f"),
        ("deliver_to", "/srv/Harbor"),
        ("deliver_to", "../Harbor"),
        ("deliver_to", "a/../../Harbor"),
        ("deliver_to", "Harbor v. Mill"),
        ("deliver_to", "a//b"),
    ],
)
def test_what_cannot_be_understood_is_named_by_its_field_and_not_repeated(
    config: FirmConfig, field: str, value: object
) -> None:
    with pytest.raises(RestoreError) as caught:
        read(config, **{field: value})
    assert caught.value.to == f"field {field}"
    assert "Harbor" not in caught.value.render()


def test_a_mailbox_is_named_by_its_object_id_and_stands_in_the_plan(config: FirmConfig) -> None:
    id_ = "6D0F7A8E-2B1C-4C5D-9E3F-5A4B3C2D1E0F"
    asked = read(config, which="2024-0113", deliver_as="m365", mailbox=id_)
    assert asked.form.system == "m365" and asked.mailbox == id_.lower()
    assert f"into mailbox {id_.lower()})" in asked.target("M-7F3K2QXA")
    with pytest.raises(RestoreError) as caught:
        read(config, which="2024-0113", deliver_as="m365", mailbox="harbor@firm.example")
    assert caught.value.to == "field mailbox" and "harbor" not in caught.value.render()


def test_an_item_is_asked_for_by_its_id(config: FirmConfig) -> None:
    assert read(config, what="item", which="AB" * 16).which == "ab" * 16
    with pytest.raises(RestoreError):
        read(config, what="item", which="letter.txt")


def test_whole_sources_must_be_chosen(config: FirmConfig) -> None:
    assert read(config, what="source", sources=["files"]).sources == ("files",)
    with pytest.raises(RestoreError) as caught:
        read(config, what="source")
    assert caught.value.to == "field sources"


def test_a_firm_that_wants_no_numbers_is_asked_for_opaque_ids(opaque: FirmConfig) -> None:
    assert read(opaque, which="M-7F3K2QXA").which == "M-7F3K2QXA"
    with pytest.raises(RestoreError):
        read(opaque)


@pytest.fixture
def keyed(tmp_path: Path) -> FirmConfig:
    """The clerk has a key and a login, the managing partner a login alone."""
    people = {"clerk": "carl"}
    keys = {"clerk": KEY}
    return load_firm(write_firm(tmp_path / "keyed", login="paula", people=people, recipients=keys))


def sealed(config: FirmConfig, login: str | None = None, **form: Any) -> Any:
    return read_request({**FORM, "plain": False, **form}, config, NOW, "abcdefghijkl", login)


def test_it_is_sealed_to_whom_the_form_names_or_to_who_triggered_it(keyed: FirmConfig) -> None:
    for request in (
        sealed(keyed, "carl"),
        sealed(keyed, "clerk"),
        sealed(keyed, "paula", for_whom="clerk"),
        sealed(keyed, "carl", for_whom=WHO_TRIGGERS),
    ):
        assert (request.for_whom, request.recipient) == ("clerk", KEY)
        assert request.target("") == f"folder 2026-11-25-abcdefgh, for clerk, sealed to {KEY}"
    # Whoever runs it without the form, or by an older one, gets the default too.
    form = {k: v for k, v in FORM.items() if k != "plain"}
    assert read_request(form, keyed, NOW, "r", "carl").recipient == KEY


def test_without_a_key_it_is_refused_and_said_what_to_do(keyed: FirmConfig) -> None:
    for request, where in (
        (lambda: sealed(keyed, "paula"), "people.managing-partner.recipient"),
        (lambda: sealed(keyed, "carl", for_whom="technician"), "people.technician.recipient"),
        (lambda: sealed(keyed, "somebody"), "field for_whom"),
        (lambda: sealed(keyed), "field for_whom"),
    ):
        with pytest.raises(NobodyToSealFor) as refused:
            request()
        assert where in refused.value.to
        for word in ("age-keygen", "people.<id>.recipient", "Not sealed"):
            assert word in refused.value.todo


def test_in_the_open_it_is_only_where_the_form_says_so_and_the_plan_says_it(
    keyed: FirmConfig,
) -> None:
    request = sealed(keyed, "carl", plain=True)
    assert (request.for_whom, request.recipient) == ("clerk", "")
    assert request.target("") == "folder 2026-11-25-abcdefgh, for clerk, NOT SEALED"
    assert sealed(keyed, "somebody", plain=True).target("").endswith("abcdefgh, NOT SEALED")
    assert sealed(keyed, "carl", plain="yes").recipient == KEY


def with_servers(folder: Path, restore: str) -> FirmConfig:
    smb = {"system": "smb", "location": r"\\fileserver\Matters\Open"}
    options = f"sources: {{server: {{smb: {{user: reader, password: env:P{restore}}}}}}}\n"
    return load_firm(
        write_firm(folder / "practice", {}, {"source_id": "server", **smb}, more=options)
    )


def test_onto_a_share_goes_what_came_from_file_servers_into_a_new_folder(tmp_path: Path) -> None:
    config = with_servers(tmp_path, r", restore: {location: '\\fileserver\Given back\by us'}")
    request = read(config, deliver_as="share", plain=False)
    assert (request.sources, request.recipient) == (("server",), "")
    place = r"\\fileserver\Given back\by us: new folder 2026-11-25-abcdefgh, NOT SEALED"
    assert request.target("") == place
    item = read(config, what="item", which="0" * 32, deliver_as="share", sources=["server"])
    assert (item.form, item.form.writes_back) == (Form.SHARE, False)
    for wrong, field in (
        ({"sources": ["files"]}, "sources"),
        ({"sources": ["server", "files"]}, "sources"),
        ({"overwrite": True}, "overwrite"),
        ({"deliver_to": "a./b"}, "deliver_to"),
        ({"deliver_to": "case."}, "deliver_to"),
    ):
        with pytest.raises(RestoreError) as refused:
            read(config, deliver_as="share", **wrong)
        assert refused.value.to == f"field {field}"
    # Without a place of its own it is the share of the source, above the folder that is read.
    plain = with_servers(tmp_path, ", restore: {user: writer}")
    assert read(plain, deliver_as="share").shares == (r"\\fileserver\Matters",)


def test_without_a_file_server_or_somebody_who_may_write_there_is_no_share_to_give_back_onto(
    config: FirmConfig, tmp_path: Path
) -> None:
    with pytest.raises(RestoreError, match="only what came from a Windows file server"):
        read(config, deliver_as="share")
    with pytest.raises(ConfigError, match="nobody is named who may write back"):
        read(with_servers(tmp_path, ""), deliver_as="share")


def test_airflow_refuses_a_form_that_is_plainly_wrong(
    firms: Path, bag: Callable[[], dict[str, DAG]]
) -> None:
    write_firm(firms / "practice")
    params = bag()["practice__restore_matter"].params
    assert params.validate()
    for wrong in (
        {"what": "all"},
        {"for_whom": "Harbor"},
        {"sources": ["other"]},
        {"deliver_to": "../x"},
        {"reason": ""},
    ):
        with pytest.raises(ValueError, match="Invalid input for param"):
            params.deep_merge_validate(wrong) if hasattr(params, "deep_merge_validate") else (
                [params.__setitem__(name, value) for name, value in wrong.items()]
            )


def test_what_was_chosen_and_taken_away_again_is_empty(
    firms: Path, bag: Callable[[], dict[str, DAG]], config: FirmConfig
) -> None:
    """Airflow's form leaves null there, whatever stood in the field at first."""
    write_firm(firms / "practice")
    params = bag()["practice__restore_matter"].params
    for name in ("sources", "as_of", "mailbox", "deliver_to"):
        params[name] = None
    assert params.validate()["sources"] is None
    assert read(config, sources=None, deliver_to=None).sources == ()
