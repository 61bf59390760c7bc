"""The registration that may write into a tenant, looked at by the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment.cli.checkup import Symptom
    from muniment.cli.session import Session


def restore_registration(session: Session, source_id: str, about: str) -> Iterator[Symptom]:
    """What it may do, where firm.yaml names one and its credential is on this machine."""
    from muniment.cli.checkup import State, Symptom
    from muniment.errors import ConfigError, KeyFileError, SourceRefused, SourceUnavailable
    from muniment.sources.m365.identity import roles_of
    from muniment.sources.m365.rights import CALENDARS, CONTACTS, MAIL, ONEDRIVE
    from muniment.sources.m365.write_rights import write_rights_of
    from muniment.wiring_m365 import restore_client

    options = session.firm.options(source_id).m365
    if options is None or options.restore is None:
        return
    try:
        client = restore_client(session.firm, source_id, session.waiting)
        token = client.access.current().tokens.access
    except (ConfigError, KeyFileError):
        what = "the registration that may write has no credential on this machine: a restore elsewhere uses it"
        yield Symptom(about, State.GOOD, what)
        return
    except SourceRefused as error:
        what = f"the registration that may write cannot sign in, as where it is off between restores: {error.what}"
        yield Symptom(about, State.GOOD, what)
        return
    except SourceUnavailable as error:
        yield Symptom(about, State.WARNING, f"the registration that may write: {error.what}", error.todo)  # fmt: skip
        return
    wanted = {"mail": MAIL, "calendars": CALENDARS, "contacts": CONTACTS, "onedrive": ONEDRIVE, "sharepoint": ONEDRIVE}  # fmt: skip
    services = dict.fromkeys(wanted[one] for one in options.services)
    rights = write_rights_of(roles_of(token), services)
    if rights.sending:
        what = f"the registration that may write could also send mail: {', '.join(rights.sending)}"
        yield Symptom(about, State.BAD, what, "Take that permission from it in Entra: a restore sends nothing, and is refused with it.")  # fmt: skip
    if rights.missing:
        what = f"the registration that may write lacks {', '.join(rights.missing)}"
        yield Symptom(about, State.WARNING, what, "Add them in Entra (type: application), with administrator's consent.")  # fmt: skip
    if rights.unneeded:
        what = f"the registration that may write may more than a restore needs: {', '.join(rights.unneeded)}"
        yield Symptom(about, State.WARNING, what, "Take these permissions from it in Entra.")
    if not (rights.sending or rights.missing or rights.unneeded):
        yield Symptom(about, State.GOOD, "the registration that may write has what a restore needs")
