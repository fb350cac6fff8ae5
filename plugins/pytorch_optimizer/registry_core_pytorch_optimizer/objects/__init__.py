"""Objects that the declarations build; these modules import torch and pytorch_optimizer."""
