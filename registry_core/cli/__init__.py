"""The command line: one module per command, which parses arguments, calls the library and prints."""

import gc

gc.set_threshold(100_000)  # garbage collection among the many permanent objects of imports takes a tenth of their time
