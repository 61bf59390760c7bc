"""A client that others wrote for the vendor runs against the simulator: PyPI's clio-manage-api-client, unchanged.

Only its table of hosts is pointed at the simulator, and the simulator's authority trusted.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.simulators.clio.running import Running
from tests.support.needs import missing


@pytest.fixture
def library() -> ModuleType:
    try:
        return importlib.import_module("clio_manage_python_client.client")
    except ImportError:
        missing(
            "the package `clio-manage-api-client`",
            "pip install --no-deps clio-manage-api-client==0.1.5 typing-inspect==0.9.0",
        )


@pytest.fixture
def manage(common: Running, library: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(library.BASE_URL, "us", common.told["app"])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", common.told["ca"])
    monkeypatch.setenv("NO_PROXY", "*")
    return library.Client(access_token=common.token)


def test_it_reads_a_page_and_a_row(manage: Any, common: Running) -> None:
    page = manage.get.matters(fields="id,display_number,client{id,name}", limit=3)
    assert len(page["data"]) == 3
    one = manage.get.matters(id=page["data"][0]["id"], fields="id,status")
    assert (
        one["data"]
        == common.get(f"matters/{one['data']['id']}.json", fields="id,status").json()["data"]
    )


def test_it_follows_the_pages_to_the_end(manage: Any, common: Running) -> None:
    everyone = manage.all.contacts(limit=5, order="id(asc)", fields="id,name")
    assert everyone["data"] == common.rows("contacts.json", fields="id,name")


def test_it_meets_the_right_words_of_a_filter(manage: Any) -> None:
    accounts = manage.get.bank_accounts(type="TrustAccount", fields="id,type")
    assert {one["type"] for one in accounts["data"]} == {"Trust"}
    notes = manage.all.notes(type="Matter", fields="id,type")
    assert {one["type"] for one in notes["data"]} == {"Matter"}


def test_it_downloads_from_the_other_host(
    manage: Any, common: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = next(
        one
        for one in common.rows("documents.json", fields="id,size,latest_document_version{id}")
        if one["size"]
    )
    path, _ = manage.download.documents(id=row["id"])
    truth = common.control("files")["versions"][str(row["latest_document_version"]["id"])]
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == truth["sha256"]


def test_it_creates_changes_and_deletes(manage: Any, common: Running) -> None:
    made = manage.post.contacts(name="Russet Bobbin Mills LLC", type="Company")["data"]["id"]
    manage.patch.contacts(id=made, title="Supplier")
    assert manage.get.contacts(id=made, fields="title")["data"]["title"] == "Supplier"
    manage.delete.contacts(id=made)
    with pytest.raises(RuntimeError, match="404"):
        manage.get.contacts(id=made)


def test_it_reads_the_headers_of_the_rate_limit(manage: Any, common: Running) -> None:
    common.control("limits", peak=50, off_peak=50)
    try:
        manage.get.users()
        assert manage.rate_limiter.limits["users"]["limit"] == 50
        assert manage.rate_limiter.limits["users"]["remaining"] < 50
    finally:
        common.unlimited()
