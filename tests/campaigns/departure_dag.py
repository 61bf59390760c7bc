"""A departure from its form to its answer, in a real Airflow with a real browser, over a simulated tenant.

One case: the technician fills in the form; the office manager reads both questions in Required Actions and answers them there.
It is wrong where a page does not show what it must, where the run does not end well, or the certificate does not hold.
`KEEP_PICTURES` names a folder for the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from demo.screenshots import capture, open_form
from muniment.assurance.departure_certificate import check_certificate
from muniment.evidence.departures import DEPARTURES
from muniment.vault.evidence import load_stream
from muniment.vault.setup import add_source
from tests.campaign import Case
from tests.simulators.graph.running import Running as Tenant
from tests.simulators.graph.running import running as tenant
from tests.support.airflow_firm import AirflowFirm
from tests.support.airflow_running import PARTNER, PATIENCE, Running, run_airflow

DAG = "leaving__departure"
ROW = {"source_id": "m365", "system": "m365", "location": "https://graph.microsoft.com"}
SLOW = 120_000
"""Milliseconds until a page answers on a machine with other work."""
LOOKED = ("Legal hold", "Delegates", "Forwarding")


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir(parents=True)
        with tenant(seed=seed, users=2, messages=20, events=3, files=4) as sim:
            sim.control("limits", off=True)
            with contextmanager(run_airflow)(place, {"leaving": _furnished(sim)}, {}) as running:
                case = _measured(seed, running, sim)
            yield case


def _furnished(sim: Tenant) -> Callable[[AirflowFirm], None]:
    def furnish(firm: AirflowFirm) -> None:
        secret = firm.folder / "keys/m365.secret"
        secret.write_text(sim.told["applications"]["backup"]["client_secret"])
        secret.chmod(0o600)
        firm.people = {"office-manager": PARTNER}
        gaps = ("not reachable by the interface", "held back by the vendor as malware")
        accepted = "".join(
            f'  - {{source: m365, pattern: "**", cause: {gap}, accepted_by: managing-partner, accepted_on: 2026-11-01,'
            " until: 2027-01-20}\n"
            for gap in gaps
        )
        firm.document(
            ROW,
            more=f"""exceptions:
{accepted}sources:
  m365:
    m365:
      state: {firm.folder}/state
      services: [mail, calendars, contacts, onedrive]
      tenant: {sim.told["tenant"]}
      client_id: {sim.told["applications"]["backup"]["client_id"]}
      client_secret: {secret}
      login: {sim.told["login"]}
      graph: {sim.told["graph"].removesuffix("/v1.0")}
      ca: {sim.told["ca"]}
""",
        )
        path = firm.firms / firm.name / "firm.yaml"
        path.write_text(path.read_text().replace("roles:\n", "roles:\n  office_manager: office-manager\n"))  # fmt: skip
        add_source(firm.vault(), "m365")

    return furnish


def _measured(seed: int, running: Running, sim: Tenant) -> Case:
    who = sim.control("truth", parts=["users"])["users"][sim.control("users")["kinds"]["member"]]
    services, read = running.services, dict[str, str]()
    pictures = Path(os.environ.get("KEEP_PICTURES") or running.folder / "pictures")
    running.switch_on(DAG)

    def form(page: Any) -> None:
        open_form(DAG, services.base_url)(page)
        page.locator("input[name=element_who]").fill(who["userPrincipalName"])
        page.screenshot(path=pictures / "departure-form.png")
        page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
        page.get_by_role("dialog").wait_for(state="detached", timeout=SLOW)

    capture(
        services.base_url, "technician", services.settings.passwords()["technician"], {"departure-triggered": form}, pictures,
    )  # fmt: skip
    run_id = running.first_run(DAG)

    def answer(task: str, button: str) -> Callable[[Any], None]:
        def lead(page: Any) -> None:
            address = quote(run_id, safe="")
            page.goto(f"{services.base_url}/dags/{DAG}/runs/{address}/tasks/{task}/required_actions")  # fmt: skip
            page.get_by_role("button", name=button).wait_for(timeout=SLOW)
            if task == "confirm":
                for field in ("hold", "delegates", "forwarding"):
                    page.locator(f"#element_{field}").click()
                    page.get_by_role("option", name="I looked: there is none").click()
            read[task] = page.locator("body").inner_text()
            page.screenshot(path=pictures / f"departure-{task}.png", full_page=True)
            page.get_by_role("button", name=button).click()
            page.get_by_text("Response received").first.wait_for(timeout=SLOW)

        return lead

    for task, button in (("confirm", "Confirm"), ("sign_off", "I will deactivate it")):
        running.api.wait_task(DAG, run_id, task, "awaiting_input", PATIENCE)
        capture(
            services.base_url, PARTNER, services.settings.passwords()[PARTNER], {f"departure-{task}-answered": answer(task, button)},
            pictures,
        )  # fmt: skip
    running.wait(DAG, run_id)
    wrong = list(_wrong(running, run_id, read, who))
    return Case(seed, {"state": running.state(DAG, run_id), "read": sorted(read)}, tuple(wrong))


def _wrong(running: Running, run_id: str, read: dict[str, str], who: dict[str, Any]) -> Iterator[str]:  # fmt: skip
    if running.state(DAG, run_id) != "success":
        yield f"the run ended as {running.state(DAG, run_id)}"
    for word in (*LOOKED, "Nothing is deactivated"):
        if word not in read["confirm"]:
            yield f"the first question does not say {word!r}"
    for word in ("Safe to deactivate", "Nothing was deactivated", "Came back", "but for the gaps"):
        if word not in read["sign_off"]:
            yield f"the certificate's page does not say {word!r}"
    if any(who["displayName"] in text or who["userPrincipalName"] in text for text in read.values()):  # fmt: skip
        yield "a question names the account"
    vault = running.firms["leaving"].vault()
    entries = list(load_stream(vault.store, vault.trust, DEPARTURES).events())
    found = check_certificate(entries, entries[0].subject, vault)
    if found.said["account"]["name"] != who["userPrincipalName"] or found.departure.answer != "deactivate":  # fmt: skip
        yield "the certificate is not of this account, or was not answered"
