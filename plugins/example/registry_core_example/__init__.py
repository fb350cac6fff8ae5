"""Components for registry-core pipelines."""
