"""What goes wrong on demand, each by name; when it strikes is decided as at Clio's simulator, by the seed."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.faults import FaultPlan

NAMES = {
    "rate_limited": "429 with Retry-After (options seconds, 0 for none told; status)",
    "server_error": "a 5xx page as of a proxy (option status: 500, 502, 503, 504)",
    "revoked": "the consent is revoked before the request (option disable: the application is switched off)",
    "expired": "the access token ends before the request",
    "unmapped": "the service account is mapped to nobody from this request on: everything is empty, with 200",
    "nothing": "this one answer is empty, with 200",
    "torn_body": "the connection ends in the middle of the body",
    "slow_body": "the body comes in drops (option seconds)",
    "slow_answer": "the answer comes late (option seconds)",
    "deleted_between": "the item is deleted before it is shown or downloaded (option permanent)",
    "shifting_rows": "before a further page, an item of the pages before is changed and another deleted",
    "duplicates": "a page repeats its first row",
    "lost_row": "a page leaves out a row",
    "no_token": "SkipToken or next is missing though there is more",
    "same_token": "SkipToken or next leads to the same page again",
    "foreign_next": "next leads to another host",
    "short_file": "fewer bytes than the version's size, with a length to match",
    "xml_anyway": "XML although JSON was asked for",
    "sign_in_page": "an HTML page with 200, as of a portal in between",
}

# A plan of everyday trouble: what a night's backup should bear without anyone noticing.
WEATHER: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("rate_limited", r"^GET /v[12]/", 0.02, {"seconds": 1}),
    ("server_error", r"^GET /v[12]/", 0.02, {"status": 503}),
    ("torn_body", r"^GET /v[12]/", 0.01, {}),
    ("expired", r"^GET /v[12]/", 0.005, {}),
)


def weather(plan: FaultPlan) -> list[int]:
    return [
        plan.add(name, pattern, chance=chance, **options)
        for name, pattern, chance, options in WEATHER
    ]
