"""Rewrites: each replaces part of a plan by a faster one of the same meaning, one a file."""
