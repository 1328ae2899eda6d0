"""Tables: options, the recipe, the fitted model and its file."""
