"""OAuth at Clio: there is only the authorization code grant, and as a rule the refresh token does not change."""

from __future__ import annotations

from muniment.clock import Waiting
from muniment.sources.clio.place import Place
from muniment.sources.web import oauth as web
from muniment.sources.web.oauth import Application

LIFETIME = 2_592_000
"""Seconds that an access token is good, where the answer does not say."""


class OAuth(web.OAuth):
    """One application at one place; an application belongs to one region. `source_id` is for errors."""

    def __init__(
        self, place: Place, application: Application, clock: Waiting, source_id: str
    ) -> None:
        grant = web.Grant(
            "Clio",
            f"{place.app}/oauth/authorize",
            f"{place.app}/oauth/token",
            place.verify,
            f"Clio does not know this application in the region `{place.region}`",
            "Compare region, client_id and client secret with the vendor's developer page; an"
            f" application belongs to one region. Then `muniment consent {source_id}`.",
            LIFETIME,
            {"redirect_on_decline": "true"},
        )
        super().__init__(grant, application, clock, source_id)
