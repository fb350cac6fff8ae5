"""From a plan to torch objects."""
