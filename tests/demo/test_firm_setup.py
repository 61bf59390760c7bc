"""The example firm's documents: alerts go to the mail server, and the managing partner has a login."""

from __future__ import annotations

from pathlib import Path

from demo.clio_account import Account
from demo.firm_setup import set_up
from demo.office import Repository, Tenant
from demo.own_systems import Ledger, OldMail
from demo.place import CLIO, DATABASE, NETDOCS, OLD_MAIL, SOURCES, TENANT, TRUST, Place
from demo.servers import MAIL_CONNECTION, PARTNER, Store
from demo.systems import Vendors
from muniment.config.load import load_firm
from muniment.embedded.postgres import EmbeddedPostgres


class NobodysLedger(Ledger):
    """Of a server that does not run."""

    host, port = "127.0.0.1", 1


def vendors(folder: Path) -> Vendors:
    """Whom nobody answers for."""
    ca = folder / "ca.pem"
    ca.touch()
    told = {"app": "https://localhost:1", "ca": str(ca), "client_id": "c", "client_secret": "s"}
    app = {"client_id": "0b5a3a52-8d4e-4d0b-b1a7-6f1f0a2c9e11", "client_secret": "t"}
    tenant = {
        "tenant": "firm.example",
        "applications": {"backup": app},
        "login": "https://localhost:1",
        "graph": "https://localhost:1/v1.0",
        "ca": str(ca),
    }
    netdocs = {
        "api": "https://localhost:1",
        "login": "https://localhost:1",
        "repository": "CA-4F1C9A2B",
        "reading_client_id": "AP-4F1C9A2B",
        "reading_client_secret": "n",
        "ca": str(ca),
    }
    return Vendors(
        Account(told, "http://127.0.0.1:1/clio"), Tenant(tenant), Repository(netdocs),
        NobodysLedger(EmbeddedPostgres(folder), "d"), OldMail(folder / "old-mail"),
    )  # fmt: skip


def test_alerts_have_somewhere_to_go_and_a_drill_has_somebody_to_ask(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo", tmp_path)
    place.home.mkdir()
    place.share.mkdir()
    place.store.mkdir()
    set_up(place, Store(f"file://{place.store}", None, None, {}), vendors(tmp_path))

    config = load_firm(place.firm)
    config.raise_issues()
    firm = config.firm
    assert firm.alerts.smtp is not None
    assert firm.alerts.smtp.connection == MAIL_CONNECTION
    assert [firm.people[who].email for who in firm.alerts.smtp.to] == [
        "technician@harrow-okafor.example"
    ]
    assert firm.alerts.smtp.escalate_to == (firm.roles.managing_partner,)
    assert firm.people[firm.roles.managing_partner].login == PARTNER
    text = (place.firm / "firm.yaml").read_text()
    assert "# alerts:" not in text
    assert "labels:" in text


def test_the_account_and_its_trust_books_are_protected_and_its_matters_are_those_of_the_share(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path / "demo", tmp_path)
    place.home.mkdir()
    place.share.mkdir()
    place.store.mkdir()
    set_up(place, Store(f"file://{place.store}", None, None, {}), vendors(tmp_path))

    config = load_firm(place.firm)
    config.raise_issues()
    assert [row.source_id for row in config.protected] == list(SOURCES)
    trust = config.row(TRUST)
    assert trust.trust_data and trust.classification.value == "critical"
    assert "practice-management" not in (place.firm / "inventory.csv").read_text()
    told = config.options(TRUST).clio
    assert told is not None and told.consent == CLIO
    assert told.client_secret is not None
    assert Path(told.client_secret).stat().st_mode & 0o077 == 0
    for source in (CLIO, TRUST):
        found = config.matter_rules(source).match(b"2024-0113-Alvarez")
        assert found is not None and found.number == "2024-0113"


def test_tenant_and_repository_are_protected_and_the_gaps_of_the_tenant_accepted(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path / "demo", tmp_path)
    place.home.mkdir()
    place.share.mkdir()
    place.store.mkdir()
    set_up(place, Store(f"file://{place.store}", None, None, {}), vendors(tmp_path))

    config = load_firm(place.firm)
    config.raise_issues()
    found = config.matter_rules(NETDOCS).match(b"C-17/2024-0113")
    assert found is not None and found.number == "2024-0113"
    assert {one.source for one in config.exceptions} == {TENANT}
    told = config.options(TENANT).m365, config.options(NETDOCS).netdocuments
    for options in told:
        assert options is not None and options.client_secret is not None
        assert Path(options.client_secret).stat().st_mode & 0o077 == 0


def test_the_practice_database_and_the_old_mail_are_protected(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo", tmp_path)
    place.home.mkdir()
    place.share.mkdir()
    place.store.mkdir()
    set_up(place, Store(f"file://{place.store}", None, None, {}), vendors(tmp_path))

    config = load_firm(place.firm)
    config.raise_issues()
    options = config.options(DATABASE).database
    assert (
        options is not None and options.databases == ("practice",) and options.password is not None
    )
    assert Path(options.password).read_text() == "d"
    assert Path(options.password).stat().st_mode & 0o077 == 0
    assert config.row(OLD_MAIL).folder == place.old_mail
