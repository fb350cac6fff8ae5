"""Declarations of the models, optimizers and schedulers of timm for registry-core pipelines, without importing timm."""
