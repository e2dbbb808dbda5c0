"""Learning from another network's probabilities."""

from torch import Tensor
from torch.nn import functional as F


def divergence(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Mean Kullback-Leibler divergence from a teacher's probabilities, in nats.

    Both are those of logits divided by the temperature; the divergence times its square keeps
    gradients as large at any temperature.

    Args:
        logits: of the student, ``[n, labels]``.
        wanted: logits of the teacher, ``[n, labels]``.
        temperature: above 1, more is learned of what the teacher holds unlikely.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv:1503.02531.
    """
    return temperature**2 * F.kl_div(
        (logits / temperature).log_softmax(1),
        (wanted / temperature).log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )
