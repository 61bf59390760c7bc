"""Every route, by being imported: each module puts its own into `api.ROUTES`, where the first that fits answers."""

from __future__ import annotations

from tests.simulators.graph import (
    routes_calendar,
    routes_contacts,
    routes_directory,
    routes_export,
    routes_files,
    routes_files_write,
    routes_mail,
    routes_mail_write,
    routes_other_write,
    routes_people,
)
from tests.simulators.graph.api import ROUTES

MODULES = (
    routes_directory, routes_mail, routes_mail_write, routes_calendar, routes_contacts, routes_other_write,
    routes_files, routes_files_write, routes_export, routes_people,
)  # fmt: skip

# A fixed word in a path goes before a name: /mailFolders/delta before /mailFolders/{folder}.
ROUTES.sort(key=lambda one: ["{" in step for step in one.template.split("/")])
