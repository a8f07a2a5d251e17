"""Markdown, CSV and figures; knows no type of the domain."""
