"""Runs the simulator as a program: prints one line of JSON when it is ready, and runs until it is ended.

python -m tests.simulators.netdocuments --seed 7 --matters 60 --port 0
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.simulators.clio.clock import FIRST_MOMENT, moment
from tests.simulators.clio.files import papers_in
from tests.simulators.common.program import serve
from tests.simulators.netdocuments.founding import Size
from tests.simulators.netdocuments.simulator import REDIRECT_URIS, REGIONS, Options, Simulator


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulators.netdocuments", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=7)
    add("--matters", type=int, default=60)
    add("--documents-per-matter", type=int, default=4)
    add("--short-documents", type=int, default=0, help="more documents, of a few hundred bytes each")  # fmt: skip
    add("--empty", action="store_true", help="a new repository: people, and nothing to show")
    add("--port", type=int, default=0, help="first of seven ports; 0 lets the system choose")
    add("--region", choices=sorted(REGIONS), default="us")
    add("--rate", type=int, default=240, help="requests a window and token; 0 is without limit")
    add("--rate-seconds", type=float, default=60.0)
    add("--start", type=moment, default=FIRST_MOMENT, help="the firm's first moment, ISO 8601")
    add("--running-clock", action="store_true", help="the firm's clock goes with the machine's")
    add("--redirect-uri", action="append", default=[], help="allowed besides the usual ones")
    add("--folder", type=Path, help="for the certificates; a temporary one otherwise")
    add("--matter-number", action="append", default=[], help="of the first matters, in their order")
    add("--papers", type=Path, help="documents hold what the files below this folder hold")
    given = parser.parse_args()
    if given.matters < 1:
        parser.error("--matters is at least 1; for a firm without any there is --empty")
    options = Options(
        seed=given.seed,
        size=Size(
            given.matters,
            given.documents_per_matter,
            given.short_documents,
            matter_numbers=tuple(given.matter_number),
            empty=given.empty,
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
        simulator = Simulator(options)
        simulator.desk.stopped = end
        simulator.listen(folder)
        return simulator.start()

    serve("netdocuments", given.folder, start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
