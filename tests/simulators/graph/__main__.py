"""Runs the simulator as a program: prints one line of JSON when it is ready, and runs until it is ended.

python -m tests.simulators.graph --seed 7 --users 6 --port 0
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
from tests.simulators.graph.founding import Size
from tests.simulators.graph.simulator import Options, Simulator


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulators.graph", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=5, help="besides those of the hard kinds")
    parser.add_argument("--messages", type=int, default=40, help="in each mailbox")
    parser.add_argument("--events", type=int, default=8, help="in each mailbox")
    parser.add_argument("--files", type=int, default=14, help="in each drive")
    parser.add_argument("--bulk", type=int, default=0, help="more messages, at little cost")
    parser.add_argument(
        "--port", type=int, default=0, help="first of four ports; 0 lets the system choose"
    )
    parser.add_argument(
        "--start", type=moment, default=FIRST_MOMENT, help="the tenant's first moment, ISO 8601"
    )
    parser.add_argument(
        "--folder", type=Path, help="for the certificates; a temporary one otherwise"
    )
    parser.add_argument(
        "--mails", type=Path, help="the first messages hold the MIME of the files below this folder"
    )
    parser.add_argument(
        "--papers", type=Path, help="files hold what the files below this folder hold"
    )
    parser.add_argument(
        "--description", type=Path, help="an OpenAPI document to hold every request and answer against"
    )  # fmt: skip
    given = parser.parse_args()
    mails = ()
    if given.mails:
        mails = tuple(one.read_bytes() for one in sorted(given.mails.rglob("*")) if one.is_file())
    options = Options(
        seed=given.seed,
        size=Size(given.users, given.messages, given.events, given.files, given.bulk, mails),
        port=given.port,
        start=given.start,
        papers=papers_in(given.papers) if given.papers else None,
        description=given.description,
    )

    def start(folder: Path, end: Callable[[], None]) -> dict[str, Any]:
        simulator = Simulator(options, folder)
        simulator.desk.stopped = end
        return simulator.start()

    serve("graph", given.folder, start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
