"""Reads the installed timm and writes what the package says of it; no part of the package."""
