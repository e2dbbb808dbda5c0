"""How well a network does: accuracy with its interval, and detections from smoothed scores."""
