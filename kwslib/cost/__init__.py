"""Cost of a network before it is trained: operations, bytes of flash and RAM, time on a host."""

from kwslib.cost.operations import LayerCost, layer_costs
from kwslib.cost.storage import Memory, flash_bytes, live_memory
from kwslib.cost.summary import Cost, cost_of
from kwslib.cost.timing import Timing, run_time

__all__ = [
    "Cost",
    "LayerCost",
    "Memory",
    "Timing",
    "cost_of",
    "flash_bytes",
    "layer_costs",
    "live_memory",
    "run_time",
]
