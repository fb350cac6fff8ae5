"""Losses, by what they compare: classes, several classes, values, pairs and triplets, sequences; and sums of losses."""
