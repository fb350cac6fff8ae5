"""A hook that records registry-core runs in MLflow; nothing here imports MLflow."""
