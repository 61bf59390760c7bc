"""What a technician writes when tenant, repository, practice database and the archive of old mail are to be protected."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import yaml

from muniment.config.inventory import COLUMNS
from muniment.config.issues import FIRM_YAML, INVENTORY_CSV
from muniment.config.sheet import read_sheet, write_sheet

from .office import GAPS
from .own_systems import NAME, READER
from .place import DATABASE, NETDOCS, OLD_MAIL, SOURCE, TENANT, Place
from .systems import Vendors

TENANT_KEY = "m365.secret"
NETDOCS_KEY = "netdocuments.secret"
"""The files with the secrets of the two applications that read."""
DATABASE_KEY = "practice-database.password"
ACCEPTED = timedelta(days=30)

OPTIONS = """\
  {tenant_source}:
    m365:
      state: {state}
      tenant: {tenant}
      client_id: {tenant_client}
      client_secret: {tenant_secret}
      matters:
        - subject: "*[{{number}}]*"
        - folder: "**/Matters/{{number}} {{title}}/**"
      login: {login}          # the vendors of the demonstration; a firm needs none of these
      graph: {graph}
      ca: {tenant_ca}
  {netdocs_source}:
    netdocuments:
      state: {state}
      api: {api}
      login: {netdocs_login}
      repository: {repository}
      client_id: {netdocs_client}
      client_secret: {netdocs_secret}
      requests_per_minute: 1000000
      ca: {netdocs_ca}
"""

RULE = f"""\
  - source: {NETDOCS}
    pattern: "*/{{number}}"
"""

OWN = """\
  {database_source}:
    database:
      host: {host}
      port: {port}
      user: {user}
      password: {password}
      tls: "off"              # on this very machine
      databases: [{database}]
  {mail_source}:
    mail_archive:
      matters:
        - subject: "*[{{number}}]*"
"""

EXCEPTION = """\
  - source: {source}
    pattern: "**"
    cause: {cause}
    accepted_by: managing-partner
    accepted_on: {on}
    until: {until}
"""


def add_office(place: Place, vendors: Vendors) -> None:
    """Rows of the inventory, how each is reached, what names a matter in them, and the gaps of the tenant that
    the managing partner accepted for a time."""
    path = place.firm / FIRM_YAML
    tenant, netdocs = vendors.tenant, vendors.netdocs
    backup = tenant.told["applications"]["backup"]
    options = OPTIONS.format(
        tenant_source=TENANT,
        netdocs_source=NETDOCS,
        state=place.state,
        tenant=tenant.told["tenant"],
        tenant_client=backup["client_id"],
        tenant_secret=place.keys / TENANT_KEY,
        login=tenant.told["login"],
        graph=str(tenant.told["graph"]).removesuffix("/v1.0"),
        tenant_ca=tenant.ca,
        api=netdocs.told["api"],
        netdocs_login=netdocs.told["login"],
        repository=netdocs.told["repository"],
        netdocs_client=netdocs.told["reading_client_id"],
        netdocs_secret=place.keys / NETDOCS_KEY,
        netdocs_ca=netdocs.ca,
    )
    options += OWN.format(
        database_source=DATABASE,
        mail_source=OLD_MAIL,
        host=vendors.ledger.host,
        port=vendors.ledger.port,
        user=READER,
        password=place.keys / DATABASE_KEY,
        database=NAME,
    )
    text = path.read_text(encoding="utf-8")
    # Exceptions count by the firm's days: after midnight in Greenwich it is still yesterday there.
    today = datetime.now(ZoneInfo(yaml.safe_load(text)["time_zone"])).date()
    rules, _, rest = text.partition("sources:\n")
    rest = rest.replace("exceptions: []\n", _accepted(today), 1)
    text = f"{rules.rstrip()}\n{RULE}\nsources:\n{options}{rest}"
    path.write_text(text, encoding="utf-8")
    _add_rows(place)


def secrets(vendors: Vendors) -> dict[str, str]:
    """The files below `keys`, and what stands in them."""
    return {
        TENANT_KEY: str(vendors.tenant.told["applications"]["backup"]["client_secret"]),
        NETDOCS_KEY: str(vendors.netdocs.told["reading_client_secret"]),
        DATABASE_KEY: vendors.ledger.password,
    }


def _accepted(today: date) -> str:
    until = today + ACCEPTED
    each = (EXCEPTION.format(source=TENANT, cause=one, on=today, until=until) for one in GAPS)
    return "exceptions:\n" + "".join(each)


def _add_rows(place: Place) -> None:
    path = place.firm / INVENTORY_CSV
    rows = [dict(row.cells) for row in read_sheet(path.read_bytes(), COLUMNS).rows]
    share = next(row for row in rows if row["source_id"] == SOURCE)
    mail = {
        "source_id": TENANT,
        "system": "m365",
        "description": "Mail, calendars, contacts, OneDrive and SharePoint",
        "location": "https://graph.microsoft.com",
        "frequency": "daily 03:30",
    }
    documents = {
        "source_id": NETDOCS,
        "system": "netdocuments",
        "description": "Document management",
        "location": "https://vault.netvoyage.com",
        "frequency": "daily 04:00",
    }
    database = {
        "source_id": DATABASE,
        "system": "postgresql",
        "description": "Time and billing",
        "location": "db.harrow-okafor.example",
        "frequency": "daily 04:30",
    }
    old_mail = {
        "source_id": OLD_MAIL,
        "system": "mail-archive",
        "description": "Mails of closed matters",
        "location": str(place.old_mail),
        "frequency": "daily 05:00",
    }
    added = [{**share, **row} for row in (mail, documents, database, old_mail)]
    path.write_bytes(write_sheet(COLUMNS, [*rows, *added]))
