"""Init schemes, and their gains."""
