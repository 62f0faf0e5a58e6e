"""Map tiles: cells of a stored pyramid under the addresses of a tile matrix set."""
