"""Kernels as LLVM text: loops, folds, contractions, and mathematics in vectors."""
