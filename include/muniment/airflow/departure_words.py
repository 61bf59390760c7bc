"""Words: the documentation of discovery and departure, as it stands in Airflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muniment.sources.m365.account import Account

DISCOVERY = """\
### If it failed

1. No backup is touched by it. What was found before stays an open alert until it is looked at again.
2. Open the first red task, read the last lines of its log, and do what *to do* says; then clear it.

| red task | usually means | do |
|---|---|---|
| `look.<source>` | the vendor refuses (`M212`, `M213`) or does not answer (`M211`) | as its log says; a permission may be missing |
| `hold_against_inventory` | the store is away, or a key is not on this machine | mend it, clear the task |

Twice a day it asks every vendor of firm `{firm}` for users, mailboxes, drives, sites, cabinets and accounts, and holds them
against the inventory. What no row covers, which account was disabled without a certificate, and whose computers cannot be shown to be
backed up is told by `{firm}__watch` within half an hour. Findings do not make it red. `muniment discovery` names them.
More: docs/DISCOVERY.md and docs/AIRFLOW.md.
"""

DEPARTURE = """\
### If it failed

1. **It deactivates nothing.** The account is as it was, and so are all backups.
2. Do not disable the account yet. Open the first red task, read the last lines of its log, do what *to do* says.
3. Then clear the red task with everything downstream, or trigger it again.

| red task | usually means | do |
|---|---|---|
| `inventory_user` | nobody has this address, or a permission is missing | correct the form; docs/DEPARTURES.md |
| `confirm` | an answer is missing, or it was not his to give | clear it: it asks again |
| `full_backup` | the vendor or the store is away, or another run was first | clear it; what was fetched is not fetched again |
| `verify` | something did not come back, or the account has what the vault lacks | clear `full_backup` and what follows |
| `certify` | something of the account is a gap that nobody accepted (`M590`) | mend it, or accept it: `exceptions` in firm.yaml |
| `sign_off` | somebody else answered | clear it: it asks again |

### How it goes

*Trigger* asks for the **address** of who leaves. The account is counted; a person **confirms legal hold, delegates and forwarding**;
mailbox, calendars, contacts and OneDrive are read **whole, without a delta, and fetched anew**; all of it is restored into the
sandbox and compared; a certificate is signed into the vault; the office manager answers it. Only then is it safe to
deactivate, and somebody does that by hand.
Firm `{firm}`. More: docs/DEPARTURES.md and docs/AIRFLOW.md.
"""


def question_of(user: str, account: Account, departure_id: str) -> str:
    """What is asked first; numbers only, for Airflow keeps it."""
    told = account.told()
    counted = "\n".join(f"- {what.replace('_', ' ')}: **{count:,}**" for what, count in told.items())  # fmt: skip
    state = {True: "enabled", False: "**disabled already**", None: "of unknown state"}[account.enabled]  # fmt: skip
    lacking = f"\n\nThe application may not list: {', '.join(account.unasked)}." if account.unasked else ""  # fmt: skip
    return (
        f"The account `{user}` is {state}. It has:\n\n{counted}\n\n"
        f"Who it is, whom its rules send mail to and who its delegates are: `muniment departures show {departure_id}`."
        f"{lacking}\n\n**Look yourself**, and say below of each: is there a legal hold, are there delegates, is mail "
        "forwarded? Forwarding of the mailbox itself, full access and holds show in no interface of Microsoft's that a "
        "program like this may ask. After *Confirm* everything is read and fetched anew. Nothing is deactivated, now or later."
    )


def certificate_text(said: Mapping[str, Any], lines: Iterable[tuple[str, str]], digest: str) -> str:
    """What the office manager reads; without a name, for Airflow keeps it."""
    told = "\n".join(f"- **{what}:** {value}" for what, value in lines)
    return (
        f"**Safe to deactivate.** {said['says']}\n\n{told}\n- **Statement, SHA-256:** `{digest}`\n\n"
        f"Who it is: `muniment departures check {said['departure_id']}`. **Nothing was deactivated:** you do that, in the "
        "Microsoft 365 admin center, or you do not. What comes in after the backup began is in the next one, as long as the "
        "account is there."
    )
