"""What the declarations build: the modules here import timm and torch."""
