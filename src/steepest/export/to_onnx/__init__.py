"""A model as one ONNX graph, from the table's columns to predictions."""
