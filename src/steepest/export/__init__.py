"""A fitted model as a file that needs no steepest: an ONNX graph, or Python with NumPy."""

from steepest.export.to_onnx.file import export_onnx
from steepest.export.to_python.file import export_python

__all__ = [
    "export_onnx",
    "export_python",
]
