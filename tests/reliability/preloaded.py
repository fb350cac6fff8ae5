"""All that a run imports, and one thread: the server that test processes are forked from imports this module."""

import tensorboardX  # noqa: F401  # imported here to be there
import torch
import torch._dynamo
import torchmetrics  # noqa: F401  # the same

torch.set_num_threads(1)
