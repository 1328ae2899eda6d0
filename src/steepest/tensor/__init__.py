"""The eager Tensor: it computes at once, and records the graph where a derivative may be asked for."""
