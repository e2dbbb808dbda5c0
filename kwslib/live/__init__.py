"""The page "Try it": the board's firmware in the reader's browser."""
