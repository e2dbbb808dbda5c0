"""A network in integers: tensors and operators, its ``.tflite`` file, and what it computes."""
