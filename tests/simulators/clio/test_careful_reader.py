"""A reader that waits, asks again and follows pages gets the whole truth, whatever the weather; one that does not,
does not."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import requests

from tests.simulators.clio.running import Running, running
from tests.simulators.clio.tables import RESOURCES

LISTS = (
    "contacts",
    "matters",
    "documents",
    "folders",
    "tasks",
    "activities",
    "bank_transactions",
    "bills",
    "line_items",
)


class Careful:
    """Waits as told after 429, asks again after a 5xx, a torn body or an ended link, refreshes an ended token."""

    def __init__(self, clio: Running) -> None:
        self._clio = clio
        self._token = clio.token
        self.waited = 0

    def get(self, path: str, **query: Any) -> requests.Response:
        for _ in range(30):
            try:
                answer = self._clio.request("GET", path, token=self._token, **query)
            except requests.RequestException:
                continue
            if answer.status_code == 429:
                self.waited += 1
                time.sleep(float(answer.headers["Retry-After"]))
            elif answer.status_code == 401:
                self._refresh()
            elif answer.status_code < 500:
                return answer
        raise AssertionError(f"{path} never came")

    def _refresh(self) -> None:
        told = self._clio.told
        form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
        known = {"client_id": told["client_id"], "client_secret": told["client_secret"]}
        answer = self._clio.session.post(
            f"{told['app']}/oauth/token", data=form | known, timeout=30
        )
        self._token = answer.json()["access_token"]

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = self.get(path, **query).json()
        while True:
            found += page["data"]
            following = page["meta"]["paging"].get("next")
            if following is None:
                return found
            page = self.get(following).json()

    def file(self, path: str, size: int) -> bytes:
        for _ in range(30):
            link = self.get(path).headers["Location"]
            try:
                answer = self._clio.session.get(link, timeout=30)
            except requests.RequestException:
                continue
            if answer.status_code == 200 and len(answer.content) == size:
                return answer.content
        raise AssertionError(f"{path} never came whole")


def test_a_careful_reader_gets_the_whole_truth_in_bad_weather() -> None:
    with running(seed=13, matters=5, rate=40, rate_seconds=1) as clio:
        clio.control("faults", weather=True)
        clio.control(
            "faults", add={"name": "expired", "pattern": "page_token", "after": 3, "times": 1}
        )
        reader = Careful(clio)
        fields = dict.fromkeys(LISTS, "id,etag,updated_at")
        told = clio.control("truth", resources=LISTS, fields=fields)["resources"]
        for name in LISTS:
            query = (
                {"include_deleted": "true"} if "include_deleted" in RESOURCES[name].filters else {}
            )
            order = {"order": "id(asc)"} if "id" in RESOURCES[name].orders else {}
            assert (
                reader.rows(f"{name}.json", limit=20, fields=fields[name], **query, **order)
                == told[name]
            ), name
        truth = clio.control("files")["versions"]
        for document in reader.rows("documents.json", include_deleted="true")[:12]:
            for version in reader.rows(
                f"documents/{document['id']}/versions.json", fields="id,size"
            ):
                path = (
                    f"documents/{document['id']}/download.json?document_version_id={version['id']}"
                )
                body = reader.file(path, version["size"])
                assert hashlib.sha256(body).hexdigest() == truth[str(version["id"])]["sha256"]
        struck = {name for name, _ in clio.control("faults", last=1000)["log"]}
        assert "expired" in struck and len(struck) > 2
        assert reader.waited
