"""A fitted model as a file that needs no steepest: an ONNX graph, or Python with NumPy."""

from steepest.export.to_onnx.file import export_onnx, onnx_bytes as onnx_bytes
from steepest.export.to_python.file import export_python, python_source as python_source

__all__ = [
    "export_onnx",
    "export_python",
]
