"""FACTS: which terrains there are, where their tiles lie, which pyramids were built. In SQL; cells never are.

Of `raster` it knows the value types of `grid` and the errors, nothing else.
"""
