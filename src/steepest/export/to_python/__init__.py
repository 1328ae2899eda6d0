"""A model as one readable Python file that needs NumPy only."""
