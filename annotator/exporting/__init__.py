"""Exporting everything, in many formats, with a data card; see `annotator.exporting.records` for the content."""

from annotator.exporting.exporter import count, export, export_bytes, list_crosswalks
from annotator.exporting.options import Choice
from annotator.exporting.records import read
from annotator.exporting.registry import FORMATS, format_of

__all__ = ["FORMATS", "Choice", "count", "export", "export_bytes", "format_of", "list_crosswalks", "read"]
