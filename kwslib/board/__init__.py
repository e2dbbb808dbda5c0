"""The board, or what stands in for it: an emulated Cortex-M4 that counts what it executes."""
