"""The models, optimizers and schedulers of timm for registry-core pipelines; nothing here imports timm."""
