"""Deterministic symmetry datasets: G-MNIST, G-Fashion-MNIST and G-Digits."""

__version__ = "0.1.0"
