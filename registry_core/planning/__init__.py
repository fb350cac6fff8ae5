"""The plan: the program that will run, decided from an analysis, each decision with its reason; no torch."""
