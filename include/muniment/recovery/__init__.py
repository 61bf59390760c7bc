"""Recovery: out of the vault, into a target - planned, proven, performed, verified.

Nouns: a *selection* says what is wanted (a matter, a path pattern, an item, a whole source); a *plan* says
from which snapshot of each source it comes, how much it is, at which fidelity, and what cannot come
back; a *report* says what happened.

Invariants: a plan names no client, matter title or file; performing needs exactly the plan that was
made (by digest); every byte is proven before it is handed to a target; nothing is overwritten unless
the target was told so.
"""
