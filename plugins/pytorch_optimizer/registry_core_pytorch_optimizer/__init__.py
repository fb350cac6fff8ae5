"""The optimizers of pytorch_optimizer for registry-core pipelines; nothing here imports torch or that package."""
