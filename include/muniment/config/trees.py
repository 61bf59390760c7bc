"""Trees: what firm.yaml says of a source that lies in a folder, as the room that reads folders wants it."""

from __future__ import annotations

import os
import re
from typing import TypedDict

from muniment.config.patterns import compile_patterns
from muniment.config.policy import SourceOptions


class TreeOptions(TypedDict):
    """The arguments of a tree besides its folder."""

    exclude: re.Pattern[bytes] | None
    one_file_system: bool
    expect_mount: bool
    sentinel: bytes | None


def tree_options(options: SourceOptions) -> TreeOptions:
    return TreeOptions(
        exclude=compile_patterns(options.exclude),
        one_file_system=options.one_file_system,
        expect_mount=options.expect_mount,
        sentinel=os.fsencode(options.sentinel) if options.sentinel else None,
    )
