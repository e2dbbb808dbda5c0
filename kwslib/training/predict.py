"""A PyTorch network as the ``predict`` callable that evaluation takes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kwslib.evaluation.accuracy import Predict

_BATCH = 512


def to_input(images: Tensor) -> Tensor:
    """Deployed images uint8 ``[n, 49, 40]`` to the network's input, float ``[n, 1, 49, 40]``
    in 0 to 1.
    """
    return images.unsqueeze(1).float() / 255


def predictor(network: nn.Module) -> Predict:
    """Probabilities of the labels, float32 ``[n, labels]``, from images uint8 ``[n, 49, 40]``."""

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        network.eval()
        with torch.inference_mode():
            batches = torch.from_numpy(images).split(_BATCH)
            scores = [network(to_input(batch)).softmax(dim=1) for batch in batches]
        return torch.cat(scores).numpy()

    return predict
