"""Equivariant layers built from generators."""
