"""Look into what is installed: foreign code is imported in processes of its own, so that it can harm nobody."""
