"""Attune keeps personalised-marketing models attuned to their customers."""

__version__ = "0.1.0"
