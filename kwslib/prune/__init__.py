"""Pruning: weights that become zero, and channels that are removed."""
