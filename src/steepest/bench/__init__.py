"""How long a training step takes here, and beside other libraries: what `steepest bench` does."""
