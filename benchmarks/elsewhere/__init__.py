"""Ordinary mistakes in an image-classification set-up, made in several tools: set-ups, edits, runs, judgement, page."""
