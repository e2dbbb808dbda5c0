"""Charts: one function a figure, one theme for all."""
