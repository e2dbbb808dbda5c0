"""A network that listens all day: hours of sound, what is detected in them, and how it counts."""
