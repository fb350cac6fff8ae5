"""A dry run: one batch of every section through everything that a run would use."""
