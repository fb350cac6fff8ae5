"""Optimizers by theme: gradient descent and averaging, Rprop, gradient-scaled steps, Adam and variants, L-BFGS, Muon.

They build the optimizers of ``torch.optim`` and accept the same parameters, except for two that have no use in a run:
``capturable`` (for CUDA graphs) and ``differentiable`` (to differentiate through steps). ``fused`` is off unless it is
set; ``foreach`` follows torch's default unless it is set: on for GPUs, off for CPUs.
"""
