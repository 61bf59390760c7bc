"""Mail archives: files of e-mail on a share (PST, OST, mbox, EML, MSG), taken byte for byte and indexed message by message.

Nouns
- Container: a file that holds messages. Archive: a container that is open to be read (`archive`).
- Entry: what an archive says of one message: where it lies in it, and what people know it by.
- Row: an entry in a snapshot, with the digests of its attachments. Copy: the message as a file of its own (RFC 5322).

Invariants
- The container is the backup. Rows and copies are made from it, and can be made again from what the vault has.
- A container that is locked, changes while it is looked at, or is another one when it is read, is not taken; what the
  vault has of it and of its messages stays.
- Of mbox and EML a copy is bytes of the container; of PST, OST and MSG it is put together, and says so.
- A message that cannot be read, and an archive that cannot be opened, are problems of the run; the container is taken all the same.
- Nothing that stands in a message is believed: it is parsed to be found again, and never run.
"""
