"""FRONT DOOR: REST, the command line, settings, and the use-cases that join catalog and raster."""
