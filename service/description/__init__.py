"""What the OpenAPI document says: problems, headers, parameters, tables and keys, each described once."""
