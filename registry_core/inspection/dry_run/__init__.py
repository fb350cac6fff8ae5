"""A dry run: one batch of every section passes through all parts of a run."""
