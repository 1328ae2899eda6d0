"""The eager Tensor: it computes at once, and records what a derivative may be asked of."""
