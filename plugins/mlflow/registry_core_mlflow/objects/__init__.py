"""Implementation of the hook; these modules import MLflow when they record."""
