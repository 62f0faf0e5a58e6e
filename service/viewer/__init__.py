"""The viewer: pages, styles and modules for a browser, plain files that are served as they are."""
