"""Scripts that read the installed timm and write the data of the package; not part of the package."""
