"""Declaration of a hook that records registry-core runs in MLflow, without importing MLflow."""
