"""The data of a run: from the plan of a section to its batches."""
