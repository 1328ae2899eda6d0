"""Machine code from LLVM's text: made, kept on disk, given memory, and run for n steps."""
