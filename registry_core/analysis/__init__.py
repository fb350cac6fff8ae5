"""What flows through a pipeline, worked out once from a spec and a cheap look at its data; no torch."""
