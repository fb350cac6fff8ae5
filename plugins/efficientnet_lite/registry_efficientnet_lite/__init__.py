"""EfficientNet-Lite0 for registry-core pipelines."""
