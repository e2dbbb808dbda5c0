"""From a network in integers to C, and to programs for the board, this machine and the browser."""
