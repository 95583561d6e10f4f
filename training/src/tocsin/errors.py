"""Errors a user can meet. Every message says what is wrong and what to do next."""

from __future__ import annotations


class TocsinError(Exception):
    """Root of all errors that Tocsin raises on purpose; the command line shows it without a traceback."""


class DataError(TocsinError):
    """Recordings that are missing, unreadable or not what the command needs."""


class BundleError(TocsinError):
    """A bundle that cannot be read, written or run."""


class ModelError(TocsinError):
    """A model that cannot be trained, converted or run."""
