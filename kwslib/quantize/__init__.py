"""Networks in few bits: grids of integers and of small floats, after training and within it."""
