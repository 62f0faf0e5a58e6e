"""Decoding of foreign bytes in processes of their own, which can do nothing but compute."""
