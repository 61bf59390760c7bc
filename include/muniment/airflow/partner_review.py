"""PartnerReview: what a drill asks the managing partner, and what an answer says. How it is asked: `question`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from muniment.model.drill import Answer

WHO = "the managing partner or the deputy"
REMARKS = "remarks"
OPTIONS: Mapping[str, Answer] = {
    "Usable: yes": Answer.YES,
    "Usable: partly": Answer.PARTLY,
    "Usable: no": Answer.NO,
}
LONGEST = 4_000
"""Characters of the remarks that are kept."""


def review_form() -> dict[str, Param]:
    """The fields below the question; for `params`. Airflow takes whatever is answered and judges it
    afterwards, so nothing in it may fail."""
    return {
        REMARKS: Param(
            "",
            type=["null", "string"],
            format="multiline",
            title="Remarks",
            description="What was missing or wrong. They are sealed in the evidence; Airflow's own "
            "database keeps them too, so no client's name.",
        )
    }


def remarks_of(form: Mapping[str, Any]) -> str:
    return str(form.get(REMARKS) or "")[:LONGEST]
