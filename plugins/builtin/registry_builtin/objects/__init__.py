"""Objects that the declarations build: everything that imports torch."""
