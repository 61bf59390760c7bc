"""Reserved: the matters of which a rehearsal shows nothing. A drill restores what nobody asked for and shows it to
whoever answers for it, so it draws no matter that is sealed, has a key of its own, or is walled off from one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from muniment.config.load import FirmConfig
from muniment.config.matter_policy import policies_by_id
from muniment.recovery.crosswalk.naming import naming_sources
from muniment.recovery.crosswalk.policy import WallBook
from muniment.recovery.crosswalk.record import load_crosswalk
from muniment.recovery.crosswalk.walls import may_receive
from muniment.vault import names
from muniment.vault.vault import Vault

Reserved = Callable[[str], bool]
"""Whether nothing is shown of the matter with this opaque id; never of what belongs to none."""


def nothing_reserved(matter: str) -> bool:
    return False


def reserved(vault: Vault, config: FirmConfig | None, viewers: Sequence[str]) -> Reserved:
    """By firm.yaml as it is now and by every wall that was ever noted, under any number that a matter has or had.

    Args:
        config: None where only files and keys are at hand; then a matter's own key and noted walls count.
        viewers: ids of `people` who may look at what is restored.

    Fails closed: where walls cannot be read, every matter is reserved.
    """
    walls = WallBook(vault, config).ever()
    if not all(each.known for each in walls):
        return bool
    shut = {
        m for w in walls for m in w.by_matter if not may_receive(viewers, (m,), [w], ()).allowed
    }
    shut |= {names.matter_of_key(key.key_id) for key in vault.trust.newest.matters}
    if config and config.firm.matters:
        key = vault.keyring.id_key(names.MATTERS_ID_KEY)
        mine = policies_by_id(config.firm.matters, key)
        shut |= {matter for matter, told in mine.items() if any(one.sealed for one in told)}
    if not shut:
        return nothing_reserved
    if config:
        crosswalk = load_crosswalk(vault, naming_sources(config)).crosswalk
        joined = [crosswalk.join(matter) for matter in sorted(shut)]
        shut |= {one for each in joined for one in (*each.ids, *each.doubtful)}
    return shut.__contains__
