"""A matter file: a matter given back as a folder that a lawyer can use without any of the systems it came from.

    index.html                        where everything is, what it is as of, what could not be given
    clio/documents/Letters/x.docx     documents in their folders: the newest version
    clio/documents/Letters/versions/  earlier versions beside them
    clio/documents.html, ...          lists to read, newest first; e-mails also as .eml
    clio/calendar.ics, contacts.vcf   for any calendar and address book
    clio/*.csv                        tasks, activities, bills, lines, the ledger
    clio/raw/                         the vendor's own rows, as JSON
    files/                            what a file share has of the matter, as it was

Nouns: *records* are a vendor's rows, read back from what was delivered; a *section* is one thing that the index
leads to.

Invariants: what is generated is made from delivered bytes whose digest is the vault's; pages have no script and
ask for nothing outside; no name becomes markup, formula, header line or a way out of the folder.
"""

MATTER_FILE = "matter file"
"""What a plan says its target is."""
