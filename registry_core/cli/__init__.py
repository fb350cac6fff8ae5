"""The command line: one module a command, each parses, calls and prints."""

import gc

gc.set_threshold(100_000)  # importing makes many objects that stay: looking for garbage among them costs a tenth of it
