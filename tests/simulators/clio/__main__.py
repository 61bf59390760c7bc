"""Runs the simulator as a program: prints one line of JSON when it is ready, and runs until it is ended.

python -m tests.simulators.clio --seed 7 --matters 60 --port 0
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.simulators.clio.clock import FIRST_MOMENT, moment
from tests.simulators.clio.files import papers_in
from tests.simulators.clio.founding import Size
from tests.simulators.clio.limits import PEAK
from tests.simulators.clio.simulator import REDIRECT_URIS, Options, Simulator
from tests.simulators.common.program import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulators.clio", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--matters", type=int, default=60)
    parser.add_argument(
        "--trust-transactions", type=int, default=0, help="at least so many bank transactions"
    )
    parser.add_argument("--documents-per-matter", type=int, default=4)
    parser.add_argument(
        "--short-documents", type=int, default=0, help="more documents, of a few hundred bytes each"
    )
    parser.add_argument(
        "--empty", action="store_true", help="a new account: people, and nothing to show"
    )
    parser.add_argument(
        "--port", type=int, default=0, help="first of six ports; 0 lets the system choose"
    )
    parser.add_argument("--region", choices=sorted(PEAK), default="us")
    parser.add_argument(
        "--rate", type=int, default=50, help="requests a minute in peak hours; 0 is without limit"
    )
    parser.add_argument("--rate-seconds", type=float, default=60.0)
    parser.add_argument(
        "--start", type=moment, default=FIRST_MOMENT, help="the firm's first moment, ISO 8601"
    )
    parser.add_argument(
        "--running-clock", action="store_true", help="the firm's clock goes with the machine's"
    )
    parser.add_argument(
        "--redirect-uri", action="append", default=[], help="allowed besides the usual ones"
    )
    parser.add_argument(
        "--folder", type=Path, help="for the certificates; a temporary one otherwise"
    )
    parser.add_argument(
        "--display-number", action="append", default=[], help="of the first matters, in their order"
    )
    parser.add_argument(
        "--papers", type=Path, help="documents hold what the files below this folder hold"
    )
    given = parser.parse_args()
    if given.matters < 1:
        parser.error("--matters is at least 1; for a firm without any there is --empty")
    options = Options(
        seed=given.seed,
        size=Size(
            given.matters,
            given.trust_transactions,
            given.documents_per_matter,
            short_documents=given.short_documents,
            empty=given.empty,
            display_numbers=tuple(given.display_number),
        ),
        region=given.region,
        port=given.port,
        rate=given.rate,
        rate_seconds=given.rate_seconds,
        start=given.start,
        running_clock=given.running_clock,
        redirect_uris=(*REDIRECT_URIS, *given.redirect_uri),
        papers=papers_in(given.papers) if given.papers else None,
    )

    def start(folder: Path, end: Callable[[], None]) -> dict[str, Any]:
        simulator = Simulator(options, folder)
        simulator.desk.stopped = end
        return simulator.start()

    serve("clio", given.folder, start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
