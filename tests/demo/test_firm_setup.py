"""The example firm's documents: alerts go to the mail server, and the managing partner has a login."""

from __future__ import annotations

from pathlib import Path

from demo.firm_setup import set_up
from demo.place import Place
from demo.servers import MAIL_CONNECTION, PARTNER, Store
from muniment.config.load import load_firm


def test_alerts_have_somewhere_to_go_and_a_drill_has_somebody_to_ask(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo", tmp_path)
    place.home.mkdir()
    place.share.mkdir()
    place.store.mkdir()
    set_up(place, Store(f"file://{place.store}", None, None, {}))

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
