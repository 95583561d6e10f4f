"""Tocsin: train, pack and run detectors that hear a machine about to fail."""

__version__ = "0.2.0"
