"""Maeumgyeol: what every layer shares."""
