"""What the declarations build: everything that imports torch."""
