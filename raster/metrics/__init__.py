"""Metrics: how the cells of a 2x2 block become one, down to a single cell. One file each."""
