"""Objects that the declarations build; these modules import timm and torch."""
