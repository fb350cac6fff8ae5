"""Checks across components, one theme a file; all of them run without torch."""
