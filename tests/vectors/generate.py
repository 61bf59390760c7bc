"""Makes the test vectors: `python -m tests.vectors.generate [--again]`.

What is there already stays as it is, because age seals differently each time and the vectors are committed;
`--again` makes all of them anew.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.vectors import histories, sealed, signed, text  # noqa: F401 - they register their makers
from tests.vectors.bench import HERE, MAKERS, Bench


def generate(root: Path, again: bool = False) -> int:
    """Makes what is missing below `root`; gives the number of vectors made."""
    made = 0
    for (kind, name), maker in sorted(MAKERS.items()):
        folder = root / kind / name
        if again:
            shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            maker(Bench(kind, name, root))
            made += 1
    return made


if __name__ == "__main__":
    print(f"{generate(HERE, '--again' in sys.argv)} of {len(MAKERS)} vectors made")
