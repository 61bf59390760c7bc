"""Release: a restore that needs an approval, from the question to the one delivery it allows.

Nouns
- Need: why a restore may not go without a person's approval.
- Question: a plan, by its digest, put to the approvers for one run. A run asks for one plan and no other.
- Release: the answer, as an entry of evidence signed by operations: this plan, in this run, once, until then.
- Breaking the glass: two people let it go together because no approver can be reached; a review follows.

Invariants: whoever delivers asks the vault for the release, and nothing else; every rule is checked when the
release is given and again when it is used, under the firm.yaml of that moment; of two users of one release one
has it (docs/decisions/0012-the-release-of-a-restore.md).
"""
