"""A believable firm from a seed: who works there, whom it acts for, what it did, wrote, billed and holds.

`found(world)` fills an empty world. The same seed and size give the same firm, to the id and the second. Rows lie
in the nine hundred days before the clock's first moment.
"""

from __future__ import annotations

import random

from tests.simulators.clio import practice_clients, practice_lists, practice_money, practice_work
from tests.simulators.clio.founding import Founding, Size
from tests.simulators.clio.world import World


def found(world: World, size: Size | None = None) -> Founding:
    """Fills an empty world."""
    founding = Founding(
        world, size or Size(), random.Random(f"firm {world.seed}"), world.clock.now()
    )
    if founding.size.empty:
        practice_lists.add_bare(founding)
        practice_clients.root_folder(founding)
        return founding
    practice_lists.add(founding)
    practice_clients.root_folder(founding)
    practice_clients.add(founding)
    practice_work.add(founding)
    practice_money.add(founding)
    return founding
