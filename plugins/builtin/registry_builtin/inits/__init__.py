"""Initialization schemes and their gains."""
