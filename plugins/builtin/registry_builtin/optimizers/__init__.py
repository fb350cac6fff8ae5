"""Optimizers, by theme: gradient descent and its averages, Rprop, steps scaled by gradients, Adam's, L-BFGS, Muon.

They build the optimizers of ``torch.optim`` and take the same parameters, save two that have no use in a run:
``capturable`` (for CUDA graphs) and ``differentiable`` (to differentiate through steps). ``fused`` is used when it is
asked for; ``foreach``, unless it is set, by torch's choice: on a GPU, not on a CPU.
"""
