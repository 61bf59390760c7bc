"""`python -m demo` (`make demo`) shows everything; `python -m demo stop` (`make demo-stop`) ends it."""

from __future__ import annotations

import sys

from muniment.errors import MunimentError

from .closing import tell
from .place import here
from .servers import stop_all
from .teller import Teller


def main(arguments: list[str]) -> int:
    if arguments == ["stop"]:
        stop_all(here())
        print("Nothing of the demonstration is running any more. Its files are in .demo/.")
        return 0
    if arguments:
        print("usage: python -m demo [stop]", file=sys.stderr)
        return 2
    from .tour import Tour

    teller = Teller()
    try:
        told = Tour(here(), teller).run()
    except MunimentError as error:
        teller.console.print(error.render(), style="red", markup=False)
        teller.console.print("`make demo-stop` ends what is running.", markup=False)
        return 1
    tell(told, teller.console)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
