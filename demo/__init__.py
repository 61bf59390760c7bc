"""The demonstration: an example law firm, what is done for it and to it, and the report of that.

`make demo` sets up everything on one machine and shows Muniment at work, act by act, through a real
Airflow. Nothing of the product is in this package:

`demo.firm` writes the example firm's file share to disk: about 60 matters with 3,000 documents that
open in the programs people use (PDF, DOCX, EML, TXT, XLSX, JPEG, PNG, TIFF), a mailbox of 150 MB, a
PostgreSQL dump of 40 MB, and the names, links and empty files that a share collects over the years.

    from pathlib import Path
    from demo import firm

    share = Path("share")
    monday = firm.write(share, seed=7)                 # about 10 seconds, 360 MB
    monday.save(Path("truth.json"))                    # beside the share, never in it
    tuesday, day = firm.work_a_day(share, seed=7, truth=monday)
    monday.compare(Path("restored"), monday.of_matter(firm.STORY_MATTER)).identical

`firm.small` writes the same firm in 4 MB and a quarter of a second, for tests.

`demo.vendors` starts the simulators that the tests use as servers of their own. `demo.clio_account` is the firm's Clio
account, and gives consent as the backup user does; `demo.clio_truth` holds what comes back against what was there.
`demo.office` is the firm's Microsoft 365 tenant and its NetDocuments repository.

`demo.tour` is the order of the acts. `protect` holds those of every day, `prove` the verification and
the drill, `spoil` the two faults (`faults` is how they are made) and what finds them. `mail_sink` is
the firm's mail server, `servers` and `place` are everything else that runs and where it lies.

`demo.teller` tells a person in a terminal what goes on; `demo.story` is what is known at the end, and
`demo.closing` the page that is made of it.

What must always be true:

- The truth comes from the writing, never from reading the share: whoever compares the two finds the
  faults of both. That of the Clio account comes from the vendor's side, by the number of a change; so does
  that of mails and documents, by SHA-256.
- Equal seeds give equal shares, to the byte, the name, the mode and the nanosecond, on one build of
  Python and zlib. Nothing depends on the clock: the share's last day is a Friday in November 2025,
  and each `work_a_day` is the next working day.
- Every person, company, court and case is invented. Addresses end in `.example` (RFC 2606).
- Nothing is asked of a vendor itself: each is a program of this checkout, and its firm is invented.
- Only the standard library is needed to write the firm; the story needs `rich`.
- What a verification, a drill or an alert came to is read from the vault's signed evidence and from the
  mail that arrived, never from what an act expects.
- Nothing here is imported by the engine or by a DAG.
"""
