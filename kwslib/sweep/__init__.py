"""The same measurement at many settings, each kept once it is done, here or on a cluster."""
