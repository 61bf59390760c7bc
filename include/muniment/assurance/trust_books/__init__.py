"""Trust books: are a firm's restored trust books a true copy, do they add up, and what would a lawyer look at?

Nouns
- Books: the canonical tables as columns, amounts as whole numbers of the smallest unit. They come from a
  source's own tables or from CSV, so that every later accounting system is judged by the same rules.
- Figures: what a firm uploads beside its bank statements and reconciliations for computing (docs/TRUST_PAPERS.md).
- Expectation: one rule of `expectations.toml`, with its class. `copy`: the backup is what the source said;
  `ledger`: arithmetic that holds whatever anybody did; `finding`: a rule of conduct.
- Verdict: what came of one expectation: it holds, it fails, or it was not judged, and then why.

Invariants: nothing is a float and no tolerance is above zero; what could not be judged is in the list as that;
a finding never makes anything fail, and leaves this room only sealed to the firm's trust lawyer.
"""
