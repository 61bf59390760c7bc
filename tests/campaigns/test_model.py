"""Every kept restore point gives back what it held, whatever was done in between: a few stories each."""

from __future__ import annotations

import pytest

from tests.campaigns.model import MODELS, VaultModel, explore
from tests.campaigns.test_crash import wanted_seeds


@pytest.mark.campaign
@pytest.mark.parametrize("model", MODELS)
def test_every_kept_point_restores_always(model: type[VaultModel]) -> None:
    for seed in wanted_seeds(6):
        explore(model, seed, 3, 40)
