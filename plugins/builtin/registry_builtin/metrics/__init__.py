"""Metrics by what they compare: classes, values, sequences and embeddings."""
