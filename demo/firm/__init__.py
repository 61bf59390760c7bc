"""The example firm: a law firm's file share, written from a seed, and what a day changes in it.

`write` makes about 60 matters with 3,000 documents that open in the programs people use, a mailbox
of 150 MB, a database dump, and the odd names, links and empty files of a real share. `work_a_day`
changes it as a working day would. Both know the truth of every name, so that a backup and a restore
can be judged without trusting either.
"""

from .build import LAST_DAY, Progress, small, write
from .matters import STORY_MATTER
from .truth import Comparison, Entry, Truth
from .workday import LOST_FOLDER, DayOfWork, work_a_day

__all__ = [
    "LAST_DAY",
    "LOST_FOLDER",
    "STORY_MATTER",
    "Comparison",
    "DayOfWork",
    "Entry",
    "Progress",
    "Truth",
    "small",
    "work_a_day",
    "write",
]
