"""The analysis of a pipeline: its data flow, computed once from a spec and a cheap look at the data; no torch."""
