"""Objects that the declarations build; imported only when they are built."""
