"""Tile sources: which files may be tiles, and their cells by window. One reader for each file kind."""
