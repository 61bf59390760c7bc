"""Budget of a Clio consent: 50 requests a minute and access token, told by the headers below."""

from __future__ import annotations

from pathlib import Path

from muniment.clock import Waiting
from muniment.sources.web import budget as web

LIMITS = web.LimitHeaders("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class Budget(web.Budget):
    def __init__(self, folder: Path, account: str, clock: Waiting) -> None:
        super().__init__(folder, account, clock, vendor="clio", told=LIMITS.told)
