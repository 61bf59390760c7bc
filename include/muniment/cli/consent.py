"""Consent: the one time that a person opens a source's door, in a browser; then it stays unattended."""

from __future__ import annotations

import secrets
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, urlsplit

from muniment.cli import forms
from muniment.cli.options import session_of, source_of
from muniment.cli.screen import Declined
from muniment.errors import SourceRefused

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.sources.clio.standing import Standing
    from muniment.sources.web.oauth import OAuth
    from muniment.sources.web.tokens import Tokens
    from muniment.wiring_clio import Login

PATIENCE = 600.0
"""Seconds that the browser is waited for; codes are good for about as long."""
CODE_MOST = 4096


class Purpose(StrEnum):
    """What a consent is for."""

    BACKUP = "backup"
    RESTORE = "restore"


def register(app: forms.Group) -> None:
    app.command("consent", panel="Set up")(consent)


def consent(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(metavar="SOURCE", help="The source_id.")],
    purpose: Annotated[
        Purpose,
        forms.Option(
            "--for",
            metavar="PURPOSE",
            help="`backup` reads; `restore` may write a matter back, by another application of its own.",
        ),
    ] = Purpose.BACKUP,
    paste: Annotated[
        bool,
        forms.Option(
            "--paste",
            help="Do not wait for the browser on this machine: paste the address that it was sent to.",
        ),
    ] = False,
) -> None:
    """Has the backup user give consent to read a Clio account or NetDocuments repository, sealed to the worker.

    Prints an address to open in a browser, signed in to Clio as the backup user: an administrator with
    access to all matters. Then it looks whether that user sees everything. Once is enough, until the
    consent is revoked; giving it again replaces the old one. Where the application's key and secret stand
    in an Airflow connection, which this command cannot read, it asks for them, and keeps them nowhere.

    With `--for restore` it is the consent to write: sealed to those who restore and never to the worker,
    for the application that `restore` in firm.yaml names. Give it when a restore needs it, and revoke it after.
    """
    session = session_of(ctx)
    source_id = source_of(source)
    if session.firm.options(source_id).netdocuments is not None:
        from muniment.cli.consent_netdocuments import consent_netdocuments

        consent_netdocuments(session, source_id, paste, purpose is Purpose.RESTORE)
        return
    if purpose is Purpose.RESTORE:
        _to_write(session, source_id, paste)
        return
    login = _login(session, source_id)
    tokens = _asked(session, source_id, paste, _to_read(session, source_id, login))
    version = _kept(session, source_id, tokens)
    standing = _standing(session, source_id, tokens, login)
    data = {
        "source": source_id,
        "version": version,
        "account": standing.identity.account,
        "user": standing.identity.user,
        "not_compared": list(standing.not_compared),
    }

    def human() -> None:
        session.screen.say("Consent is given, and kept sealed to the worker.", style="bold")
        session.screen.facts(
            [("account", standing.identity.account), ("backup user", standing.identity.user)]
        )
        for one in standing.not_compared:
            session.screen.say(f"not compared: {one}")

    standing.require_all(source_id)
    session.screen.answer("consent", data, human)


def _to_write(session: Session, source_id: str, paste: bool) -> None:
    from muniment.sources.clio.standing import identify
    from muniment.sources.web.tokens import Held, HeldTokens
    from muniment.wiring_clio import restore_client, restore_oauth, restore_store

    oauth = restore_oauth(session.firm, source_id, session.waiting)
    tokens = _asked(session, source_id, paste, oauth, who="somebody who may write")
    held_by = session.keyless().trust.holders("operations", "escrow")
    store = restore_store(session.firm, source_id, held_by)
    version = store.swap(store.version(), tokens).version
    mine = HeldTokens(Held(1, tokens))
    identity = identify(restore_client(session.firm, source_id, mine, session.waiting).reader)
    data = {
        "source": source_id,
        "version": version,
        "account": identity.account,
        "user": identity.user,
        "purpose": Purpose.RESTORE.value,
    }

    def human() -> None:
        session.screen.say(
            "Consent to write is given, and kept sealed to operations and the safe.", style="bold"
        )
        session.screen.facts([("account", identity.account), ("user", identity.user)])
        session.screen.say("Revoke it in Clio when the restore is done.")

    session.screen.answer("consent", data, human)


def _login(session: Session, source_id: str) -> Login | None:
    """What firm.yaml leaves to the Airflow connection, typed by whoever sits here."""
    from muniment.wiring_clio import Login, clio_options, connection_of

    options = clio_options(session.firm, source_id)
    connection = connection_of(session.firm, source_id)
    if not connection or (options.client_id and options.client_secret is not None):
        return None
    screen = session.screen
    screen.note(f"As in the Airflow connection {connection}; it is not kept:", style="")
    key = options.client_id or screen.ask("App key", "")
    secret = "" if options.client_secret is not None else screen.secret("App secret: ")
    known = "region" in options.model_fields_set
    region = options.region if known else screen.ask("Region", options.region)
    return Login(key, secret, region, connection=connection)


def _to_read(session: Session, source_id: str, login: Login | None) -> OAuth:
    from muniment.wiring_clio import clio_oauth

    return clio_oauth(session.firm, source_id, session.waiting, login)


def _asked(
    session: Session, source_id: str, paste: bool, oauth: OAuth, who: str = "the backup user"
) -> Tokens:
    from muniment.wiring_clio import clio_options

    uri = clio_options(session.firm, source_id).redirect_uri
    return asked(session, source_id, paste, oauth, uri, f"signed in to Clio as {who}")


def asked(
    session: Session, source_id: str, paste: bool, oauth: OAuth, uri: str, who: str
) -> Tokens:
    """Sends a person to the vendor's page, and takes what comes back. Raises SourceRefused, Declined."""
    from muniment.cli.redirect import Redirect

    state = secrets.token_urlsafe(24)
    screen = session.screen
    screen.note(f"Open this in a browser, {who}:", style="")
    screen.note(oauth.page(state), style="bold")
    if paste or not Redirect.possible(uri):
        screen.note("Then paste the address that the browser was sent to, or the code in it:", "")
        answer = _pasted(sys.stdin.readline(CODE_MOST).strip())
    else:
        screen.note(
            "Waiting for the browser to come back; Ctrl-C ends it, --paste asks for the address."
        )
        with Redirect(uri) as redirect:
            answer = redirect.wait(PATIENCE)
    return oauth.exchange(_code(answer, state, source_id))


def _pasted(text: str) -> dict[str, str]:
    """What stands in a pasted address; a bare code without its state was copied from a page by a person."""
    if not text:
        raise Declined("No code was given. Nothing was changed.")
    if "://" not in text:
        return {"code": text}
    return {name: values[0] for name, values in parse_qs(urlsplit(text).query).items()}


def _code(answer: dict[str, str], state: str, source_id: str) -> str:
    if answer.get("error"):
        raise Declined("The backup user did not allow it. Nothing was changed.")
    if "state" in answer and not secrets.compare_digest(answer["state"], state):
        raise SourceRefused(
            "the browser came back from another request than this one",
            to=f"source {source_id}",
            safe="Nothing was changed.",
            todo="Begin again, with the address that is printed then. Whoever sent you another one may"
            " want you to back up a stranger's account.",
        )
    if not answer.get("code"):
        raise Declined("There is no code in this address. Nothing was changed.")
    return answer["code"]


def _kept(session: Session, source_id: str, tokens: Tokens) -> int:
    from muniment.vault.age import Recipient
    from muniment.wiring_clio import token_store

    holders = session.keyless().trust.newest.holders
    workers = [one.recipient for one in holders if one.role == "worker" and one.until is None]
    recipients = [Recipient.parse(one) for one in workers]
    store = token_store(session.firm, source_id, recipients=recipients)
    return store.swap(store.version(), tokens).version


def _standing(session: Session, source_id: str, tokens: Tokens, login: Login | None) -> Standing:
    from muniment.sources.clio.standing import examine
    from muniment.sources.web.tokens import Held, HeldTokens
    from muniment.wiring_clio import clio_client

    store = HeldTokens(Held(1, tokens))
    client = clio_client(session.firm, source_id, store, session.waiting, login=login)
    return examine(client.reader, client.table)
