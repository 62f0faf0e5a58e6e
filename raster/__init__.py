"""CELLS: terrain grids, tile sources, metrics and pyramids in Zarr.

A library of its own. It knows no web, no SQL and no settings: whatever it needs is
an argument. It imports nothing here, so `import raster.grid` stays light.
"""
