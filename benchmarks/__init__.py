"""The duel: Muniment beside restic and borg on one corpus, in one run. `python -m benchmarks`.

Nouns
- Corpus: a made law firm's file share and its next day, the same for the same seed and scale.
- Contender: a program that backs the corpus up; its steps are commands, run as a person would.
- Sample: what one step cost: CPU seconds of its process tree, wall seconds, peak memory.
- Round: every step once, by every contender in turn; the report takes medians over rounds.
- Kernels: reading, hashing, compressing and sealing alone, over the same bytes: the limit.

How to read and repeat the figures: docs/BENCHMARKS.md.
"""
