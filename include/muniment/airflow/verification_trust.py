"""TrustTasks: the part of a verification that reconciles trust data and judges the books."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.alert_channels import tell_trust_lawyer
from muniment.airflow.names import REPORT
from muniment.airflow.verification_parts import Json, VerificationParts
from muniment.assurance.reconcile import RECONCILERS, Reconciled
from muniment.assurance.trial import Draw
from muniment.assurance.trust_books.weekly import look_at_books
from muniment.config.inventory import InventoryRow
from muniment.config.load import FirmConfig
from muniment.config.papers import TRUST_PAPERS
from muniment.errors import (
    MunimentError,
    VerificationFailed,
)
from muniment.vault.vault import Vault

log = logging.getLogger(__name__)


class TrustTasks(VerificationParts):
    """Of one firm. `dag_id` is the id of the DAG."""

    def reconcile(self, drawn: Sequence[Json]) -> list[Json]:
        """Reconciles the sources whose rows say that they hold trust data, where a reconciler exists."""
        wanted = trust_rows(self._config)
        able = [row for row in wanted if row.system in RECONCILERS]
        for row in wanted:
            if row not in able:
                log.warning(
                    "%s holds trust data, and no reconciler knows its system", row.source_id
                )
        if not able:
            raise AirflowSkipException("no source with trust data can be reconciled")
        done = []
        for part in drawn:
            for row in able:
                if row.source_id == part["source"]:
                    done.append({**self._reconcile(row, Draw.of(part)), "mark": part["mark"]})
        # For `report`, also where this task fails.
        get_current_context()["ti"].xcom_push(key=REPORT, value=done)
        wrong = [each for each in done if each["differences"]]
        if wrong:
            raise VerificationFailed(
                f"trust records do not balance in {sum(e['differences'] for e in wrong):,} places",
                to=", ".join(each["source"] for each in wrong),
                todo="Tell the lawyer who answers for trust accounts before anything else is done.",
            )
        return done

    def _reconcile(self, row: InventoryRow, drawn: Draw) -> Json:
        with self._scratch().trial(f"{drawn.source}.trust") as place:
            found = RECONCILERS[row.system](self._vault(drawn.source), drawn, place)
        log.info("%s: %s entries reconciled", drawn.source, f"{found.entries:,}")
        left: Json = {
            "source": drawn.source,
            "entries": found.entries,
            "differences": found.differences,
        }
        return self._look_at_books(drawn, found, left) if found.books is not None else left

    def _look_at_books(self, drawn: Draw, found: Reconciled, left: Json) -> Json:
        """Judges the books by every rule; what the rules of conduct come to is in the sealed report alone."""
        looked = look_at_books(
            self._vault(drawn.source),
            drawn,
            found,
            self._config.firm,
            papers=self._papers(),
            live=self._live(drawn),
            run_id=self._run_id(),
        )
        for id_, count in looked.damage.items():
            log.error("%s %s does not hold in %s places", drawn.source, id_, f"{count:,}")
        for id_, count in looked.anomalies.items():
            log.warning(
                "%s %s does not hold in %s places, and did not in the source when it was backed up",
                drawn.source, id_, f"{count:,}",
            )  # fmt: skip
        for id_, reasons in looked.unjudged.items():
            log.info("%s %s was not judged, or not all of it: %s", drawn.source, id_, "; ".join(reasons[:5]))  # fmt: skip
        if looked.report:
            log.info("%s: a report is sealed to the trust lawyer: %s", drawn.source, looked.report)
            self._tell_lawyer()
        else:
            log.warning(
                "%s: nobody is named who may see findings (roles.trust_lawyer with a recipient in "
                "firm.yaml): none were looked for", drawn.source,
            )  # fmt: skip
        sealed = {"damage": looked.damage, "entries": looked.entries, "anomalies": looked.anomalies}
        self._scratch().write(f"{drawn.source}.trust", json.dumps(sealed).encode())
        return {
            **left,
            "differences": found.differences + sum(looked.damage.values()),
            "anomalies": sum(looked.anomalies.values()),
            "amendments": looked.amendments,
            "unjudged": len(looked.unjudged),
            "report": bool(looked.report),
        }

    def _tell_lawyer(self) -> None:
        """A mail that does not go out is no fault of the books: the report is in the vault."""
        try:
            answer = tell_trust_lawyer(self._config, self._wiring.clock.now())
        except MunimentError as error:
            log.warning("The trust lawyer was not told by mail: [%s] %s", error.code, error.what)
        else:
            log.info("Mail to the trust lawyer: %s", answer or "not wanted")

    def _papers(self) -> Vault | None:
        """The vault of the upload folder; None where the firm has none."""
        settings = self._config.firm.trust_papers
        known = settings is not None and any(
            row.source_id == settings.source for row in self._config.protected
        )
        return self._vault(settings.source) if settings is not None and known else None


def trust_rows(config: FirmConfig) -> list[InventoryRow]:
    # In papers there is nothing to compute: their bytes are verified like all others.
    rows = config.protected
    return [row for row in rows if row.trust_data and row.system != TRUST_PAPERS]
