"""Training: a recipe as data, a fit that can be killed and resumed, and its history."""
