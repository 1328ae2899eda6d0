"""From a Python function to what the user asked for: its graph, its derivatives, its batched form."""
