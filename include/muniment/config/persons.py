"""Persons: from an Airflow login to an id of `people`."""

from __future__ import annotations

from muniment.config.load import FirmConfig


def person_of(config: FirmConfig, login: str | None) -> str:
    """Empty for a login that nobody has."""
    for who, person in config.firm.people.items():
        if login and person.login == login:
            return who
    return login if login and login in config.firm.people else ""
