"""A graph as kernels in memory: what is kept, what is computed together, where it lies."""
