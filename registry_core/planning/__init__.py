"""From a spec to a plan: what will happen in a run, and why; no torch."""
