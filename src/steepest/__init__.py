"""Train neural networks on tables, in one command or by hand, from the textbook."""

__version__ = "0.1.0"
