"""Rewrites, one per file: each replaces a part of a plan by a faster one with the same meaning."""
