"""Consent to read a NetDocuments repository, where no service account signs in by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muniment.cli.consent import asked
from muniment.errors import ConfigError

if TYPE_CHECKING:
    from muniment.cli.session import Session


def consent_netdocuments(session: Session, source_id: str, paste: bool, write: bool) -> None:
    """Raises ConfigError where a service account is meant, or a consent to write."""
    from muniment.sources.netdocuments.standing import identify, require_all
    from muniment.sources.web.tokens import Held, HeldTokens
    from muniment.vault.age import Recipient
    from muniment.wiring_netdocuments import (
        netdocuments_client,
        netdocuments_oauth,
        netdocuments_options,
        token_store,
    )

    options = netdocuments_options(session.firm, source_id)
    if write or options.grant != "consent":
        what = (
            "nothing is written back into NetDocuments"
            if write
            else "a service account signs in to this repository by itself"
        )
        raise ConfigError(
            f"{what}, so that nobody has to consent",
            to=f"firm {session.firm.firm_id}, firm.yaml, key sources.{source_id}.netdocuments.grant",
            todo="Where a person's consent to read is meant, set `grant: consent`.",
        )
    oauth = netdocuments_oauth(session.firm, source_id, session.waiting)
    who = "signed in to NetDocuments as the backup user"
    tokens = asked(session, source_id, paste, oauth, options.redirect_uri, who)
    workers = [Recipient.parse(one) for one in session.keyless().trust.holders("worker")]
    store = token_store(session.firm, source_id, recipients=workers)
    version = store.swap(store.version(), tokens).version
    client = netdocuments_client(
        session.firm, source_id, HeldTokens(Held(1, tokens)), session.waiting
    )
    identity = identify(client.reader, client.repository, client.cabinets)
    require_all(client.reader, identity)
    cabinets = [one.id for one in identity.cabinets]
    data = {
        "source": source_id,
        "version": version,
        "repository": identity.repository,
        "user": identity.user,
        "cabinets": cabinets,
    }

    def human() -> None:
        session.screen.say("Consent is given, and kept sealed to the worker.", style="bold")
        session.screen.facts([("repository", identity.repository), ("cabinets", ", ".join(cabinets))])  # fmt: skip

    session.screen.answer("consent", data, human)
