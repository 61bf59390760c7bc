"""Consent to read a NetDocuments repository, or to write back into it, where no service account signs in by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muniment.cli.consent import asked
from muniment.errors import ConfigError

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.sources.netdocuments.standing import Identity


def consent_netdocuments(session: Session, source_id: str, paste: bool, write: bool) -> None:
    """Raises ConfigError where a service account is meant, WriteBackRefused where no application may write."""
    if write:
        _to_write(session, source_id, paste)
    else:
        _to_read(session, source_id, paste)


def _to_read(session: Session, source_id: str, paste: bool) -> None:
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
    _require_consent_is_meant(session, source_id, options.grant, "netdocuments.grant")
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
    _answer(session, source_id, version, identity, "Consent is given, and kept sealed to the worker.")  # fmt: skip


def _to_write(session: Session, source_id: str, paste: bool) -> None:
    from muniment.recovery.netdocuments_back.back import require_consent
    from muniment.sources.web.tokens import Held, HeldTokens
    from muniment.wiring_netdocuments import (
        netdocuments_options,
        restore_client,
        restore_oauth,
        restore_store,
    )

    oauth = restore_oauth(session.firm, source_id, session.waiting)
    options = netdocuments_options(session.firm, source_id)
    grant = options.restore.grant if options.restore is not None else ""
    _require_consent_is_meant(session, source_id, grant, "netdocuments.restore.grant")
    who = "signed in to NetDocuments as somebody who administers every cabinet"
    tokens = asked(session, source_id, paste, oauth, options.redirect_uri, who)
    held_by = session.keyless().trust.holders("operations", "escrow")
    store = restore_store(session.firm, source_id, held_by)
    version = store.swap(store.version(), tokens).version
    mine = HeldTokens(Held(1, tokens))
    identity = require_consent(restore_client(session.firm, source_id, mine, session.waiting), source_id)  # fmt: skip
    said = "Consent to write is given, and kept sealed to operations and the safe."
    _answer(session, source_id, version, identity, said, purpose="restore")


def _require_consent_is_meant(session: Session, source_id: str, grant: str, key: str) -> None:
    if grant != "consent":
        raise ConfigError(
            "a service account signs in to this repository by itself, so that nobody has to consent",
            to=f"firm {session.firm.firm_id}, firm.yaml, key sources.{source_id}.{key}",
            todo="Where a person's consent is meant, set `grant: consent`.",
        )


def _answer(
    session: Session, source_id: str, version: int, identity: Identity, said: str, **more: str
) -> None:
    cabinets = [one.id for one in identity.cabinets]
    data = {
        "source": source_id,
        "version": version,
        "repository": identity.repository,
        "user": identity.user,
        "cabinets": cabinets,
        **more,
    }

    def human() -> None:
        session.screen.say(said, style="bold")
        session.screen.facts([("repository", identity.repository), ("cabinets", ", ".join(cabinets))])  # fmt: skip

    session.screen.answer("consent", data, human)
