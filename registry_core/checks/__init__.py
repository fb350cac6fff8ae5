"""Checks across components, one theme per file; all of them run without torch."""
