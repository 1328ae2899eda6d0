"""Every operation, each defined once, and the functions that are built from them."""
