"""A process that renews the consent in a file as soon as it is told to:
`python -m tests.support.clio_renewing SETTINGS.json`. Prints the version it got, and whether its token is good."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import requests

from muniment.clock import SystemClock
from muniment.sources.clio.oauth import OAuth
from muniment.sources.clio.place import place_of
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import Access, FileTokenStore
from muniment.vault.age import open_sealed, parse_identities, seal


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text())
    identities = parse_identities(Path(given["identity"]).read_text())
    recipients = [one.recipient for one in identities]
    store = FileTokenStore(
        Path(given["file"]),
        lambda data: seal(data, recipients),
        lambda data: open_sealed(data, identities),
    )
    where = place_of("us", given["app"], Path(given["ca"]))
    application = Application(given["client_id"], given["client_secret"])
    oauth = OAuth(where, application, SystemClock(), "clio")
    access = Access(store, oauth.refresh, SystemClock(), "clio")
    held = access.current()
    print("ready", flush=True)
    while not Path(given["go"]).exists():
        time.sleep(0.001)
    for _ in range(given.get("times", 1)):
        held = access.refused(held)
    answer = requests.get(
        f"{where.api}/users/who_am_i.json",
        headers={"Authorization": f"Bearer {held.tokens.access}"},
        verify=given["ca"],
        timeout=30,
    )
    print(json.dumps([held.version, answer.status_code]), flush=True)


if __name__ == "__main__":
    main()
