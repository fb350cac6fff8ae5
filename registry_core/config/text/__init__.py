"""The text of a pipeline file: reading it with places, and edits that keep the rest to the byte."""
