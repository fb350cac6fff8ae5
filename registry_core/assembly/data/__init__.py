"""From the plan of a section to its batches."""
