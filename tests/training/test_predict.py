import numpy as np
import torch
from torch import nn

from kwslib import models
from kwslib.training.predict import predictor, to_input


def test_a_network_sees_bytes_as_255ths_with_a_channel_axis():
    images = torch.arange(256, dtype=torch.uint8).repeat(49 * 40 // 256 + 1)[: 49 * 40]
    x = to_input(images.reshape(1, 49, 40))
    assert x.shape == (1, 1, 49, 40)
    assert x.dtype == torch.float32
    expected = (images.double() / 255).float().reshape(49, 40)
    assert torch.equal(x[0, 0], expected)
    assert (x.min(), x.max()) == (0.0, 1.0)


def test_scores_are_probabilities_in_the_order_of_the_clips():
    torch.manual_seed(0)
    network = models.create("tiny_conv", 4)
    images = np.random.default_rng(0).integers(0, 256, (1_100, 49, 40)).astype(np.uint8)
    scores = predictor(network)(images)
    assert scores.shape == (1_100, 4)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    for index in (0, 511, 512, 1_099):
        with torch.no_grad():
            logits = network.eval()(to_input(torch.from_numpy(images[index : index + 1])))[0]
        exponentials = np.exp(logits.double().numpy() - logits.max().item())
        expected = exponentials / exponentials.sum()
        np.testing.assert_allclose(scores[index], expected, atol=1e-5)


def test_dropout_is_off_even_if_the_network_was_training():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(49 * 40, 3)).train()
    predict = predictor(network)
    images = np.full((2, 49, 40), 100, np.uint8)
    np.testing.assert_array_equal(predict(images), predict(images))
