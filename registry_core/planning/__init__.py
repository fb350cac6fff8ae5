"""The plan: the program of a run, made from an analysis, with a reason for each decision; no torch."""
