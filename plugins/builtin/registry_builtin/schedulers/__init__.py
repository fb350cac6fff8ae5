"""Schedulers: rules, waves, and schedulers made of others."""
