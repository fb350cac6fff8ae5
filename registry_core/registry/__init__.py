"""Typed registries that map names to declarations; plain classes, local modules, isolation of foreign code."""
