"""The text of a pipeline file: read it with places, and edit it without changing any other byte."""
