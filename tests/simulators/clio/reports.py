"""Reports: asked for, ready a little later, fetched from the storage host.

resources.yaml: reports.notes - POST kind and format, poll the state, GET download. The four ledgers are made from
the firm's ledger, not from the rows of the API, so they are evidence of their own.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from tests.simulators.clio import trust
from tests.simulators.clio.errors import unprocessable
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import World
from tests.simulators.clio.writes import Rule, Values, Writer

FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "html": "text/html",
    "pdf": "application/pdf",
}
LEDGERS = ("trust_ledger", "client_ledger", "bank_account_activity", "matter_ledger_full")
PROGRESS = {
    "not_started": 0,
    "queued": 10,
    "in_progress": 60,
    "completed": 100,
    "failed": 100,
    "empty": 100,
}


def _create(writer: Writer, values: Values, data: Values) -> Ref:
    world = writer.world
    kind, format_ = data["kind"], data["format"]
    if format_ not in (*FORMATS, "xlsx", "zip"):
        raise unprocessable("'format' is csv, html, json, pdf, xlsx or zip")
    table = rows_of(world, kind, data)
    made = world.create(
        "reports", name=str(kind).replace("_", " ").capitalize(), kind=kind, format=format_, category="financial",
        source="reports", state="queued", progress=PROGRESS["queued"], _polls=0, _by=writer.user,
    )  # fmt: skip
    if format_ in FORMATS:
        world.files.store(
            f"report-{made.id}", _written(table, format_), FORMATS[format_], f"{kind}.{format_}"
        )
    return made


RULES: dict[str, Rule] = {"reports": Rule(create=_create)}


def asked_after(world: World, ref: Ref) -> None:
    """Each time a report is looked at it comes a step further."""
    row = world.row(ref)
    if row["state"] not in ("queued", "in_progress"):
        return
    polls = row["_polls"] + 1
    state = "completed" if polls >= world.settings.report_polls else "in_progress"
    if state == "completed" and row["format"] not in FORMATS:
        state = "failed"  # the simulator makes neither xlsx nor zip
    world.change(ref, state=state, progress=PROGRESS[state], _polls=polls)


def rows_of(world: World, kind: str, asked: Values) -> list[dict[str, Any]]:
    """The lines of a report. Kinds that are not about trust money are a list of matters."""
    store, ledger = world.store, world.ledger
    if kind in LEDGERS:
        return [
            line
            for account, bank in store.rows("bank_accounts")
            if bank["type"] == "Trust" or kind == "bank_account_activity"
            for line in _postings(world, account, asked)
        ]
    if kind == "trust_listing":
        return [
            {
                "bank_account_id": account, "bank_account": bank["name"], "owner": book.owner, "owner_id": book.id,
                "balance": trust.dollars(cents),
            }
            for account, bank in store.rows("bank_accounts")
            if bank["type"] == "Trust"
            for book, cents in ledger.owners(account).items()
        ]  # fmt: skip
    return [
        {"matter_id": id_, "matter": row["display_number"], "status": row["status"]} for id_, row in store.rows("matters")
    ]  # fmt: skip


def _postings(world: World, account: int, asked: Values) -> list[dict[str, Any]]:
    lines, balance = [], 0
    wanted = {key: (asked.get(key) or {}).get("id") for key in ("matter", "client")}
    for id_ in world.store.referrers(
        "bank_transactions", "bank_account", Ref("bank_accounts", account)
    ):
        posted = world.ledger.posting(id_)
        row = world.row(Ref("bank_transactions", id_))
        if posted is None or not _in_range(row["date"], asked):
            continue
        book, cents = posted
        owners = {
            "matter": book.id if book.owner == "matter" else None,
            "client": row["client"].id if row["client"] else None,
        }
        if any(wanted[key] is not None and wanted[key] != owners[key] for key in wanted):
            continue
        balance += cents
        lines.append(
            {
                "bank_account_id": account, "transaction_id": id_, "date": row["date"], "owner": book.owner,
                "owner_id": book.id, "funds_in": trust.dollars(max(cents, 0)), "funds_out": trust.dollars(max(-cents, 0)),
                "balance": trust.dollars(balance),
            }
        )  # fmt: skip
    return lines


def _in_range(day: str, asked: Values) -> bool:
    first = asked.get("start_date") or (f"{asked['year']}-01-01" if asked.get("year") else "")
    last = asked.get("end_date") or (f"{asked['year']}-12-31" if asked.get("year") else "9999")
    return bool(first <= day <= last)


def _written(table: list[dict[str, Any]], format_: str) -> bytes:
    if format_ == "json":
        return json.dumps({"data": table}).encode()
    names = list(table[0]) if table else []
    if format_ == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(table)
        return text.getvalue().encode()
    cells = "".join(f"<tr>{''.join(f'<td>{line[n]}</td>' for n in names)}</tr>" for line in table)
    if format_ == "html":
        return f"<!doctype html><table>{cells}</table>".encode()
    return _pdf([" | ".join(str(line[n]) for n in names) for line in table])


def _pdf(lines: list[str]) -> bytes:
    """One page that holds the first sixty lines."""
    shown = "".join(
        f"({line.translate({40: 32, 41: 32, 92: 32})}) Tj T*\n" for line in lines[:60]
    ).encode("latin-1", "replace")
    content = b"BT /F1 8 Tf 36 780 Td 12 TL\n" + shown + b"ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n" % len(content) + content + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj" % number + one + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body + b"xref\n0 6\n0000000000 65535 f \n" + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(body)
    )  # fmt: skip


def preview(world: World, bill: Ref) -> bytes:
    """openapi: Bill#preview - the bill as HTML, with the style rules it needs"""
    row = world.row(bill)
    lines = "".join(
        f"<tr><td>{one['date']}</td><td>{one['description']}</td><td>{one['total']:.2f}</td></tr>"
        for one in (
            world.row(Ref("line_items", id_))
            for id_ in world.store.referrers("line_items", "bill", bill)
        )
    )
    client = (world.store.at(row["client"]) or {}).get("name", "")
    return (
        "<!doctype html><html><head><style>td{padding:4px}</style></head><body>"
        f"<h1>Bill {row['number']}</h1><p>{client}, {row['issued_at']}</p><table>{lines}</table>"
        f"<p>Total {row['total']:.2f}</p></body></html>"
    ).encode()
