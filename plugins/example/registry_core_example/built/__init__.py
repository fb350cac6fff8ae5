"""What the declarations build; imported only then."""
