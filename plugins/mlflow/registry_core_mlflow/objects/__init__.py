"""What the hook does: these modules import MLflow when they record."""
