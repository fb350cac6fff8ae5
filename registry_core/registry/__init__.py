"""Typed registries: from a name to a declaration; plain classes, local modules, and the isolation of foreign code."""
