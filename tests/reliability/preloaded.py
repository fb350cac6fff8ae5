"""All that a run imports, and one thread: the server that test processes are forked from imports this module."""

import torch
import torch._dynamo

torch.set_num_threads(1)
