"""Losses by what they compare: classes, multiple labels, values, pairs and triplets, sequences; and sums of losses."""
