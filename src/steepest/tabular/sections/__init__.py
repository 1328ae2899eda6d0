"""The options of a fit, a section a file."""
