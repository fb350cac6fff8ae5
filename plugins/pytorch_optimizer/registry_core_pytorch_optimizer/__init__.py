"""Declarations of the optimizers of pytorch_optimizer for registry-core pipelines, without importing that package."""
