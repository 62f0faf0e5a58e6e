"""Where pyramids are kept: a local folder, or a bucket of S3."""
