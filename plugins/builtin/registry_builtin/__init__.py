"""Built-in components of registry-core, registered like those of any third party."""
