"""From a Python function to what is asked for: its graph, its derivatives, its batched form."""
