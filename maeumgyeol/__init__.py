"""Maeumgyeol: the code that every layer shares."""
