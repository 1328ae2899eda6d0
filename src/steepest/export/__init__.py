"""A fitted model as a file that needs no steepest: an ONNX graph, or Python with NumPy."""
