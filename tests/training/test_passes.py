"""Passes over the clips of a task, told from what a network learns of them."""

import numpy as np
import torch
from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.features.threads import one_thread
from kwslib.training.passes import Training, optimizer_for, preparation, train_pass
from kwslib.training.recipe import Recipe
from kwslib.training.sampling import stock_of


class Guess(nn.Module):
    """Says the same of every clip."""

    def __init__(self, labels):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(labels))

    def forward(self, x):
        return self.logits.expand(len(x), -1)


def test_a_network_learns_how_likely_labels_are_in_the_task_and_not_in_its_passes(tones):
    dataset = Dataset(open_source(tones), Task.of("yes,no"))
    recipe = Recipe(
        epochs=60, learning_rate=0.1, stock=4, unknown_share=4, augmentation=None, weight_decay=0.0
    )
    stock, guess = stock_of(dataset, recipe), Guess(4)
    optimizer = optimizer_for(guess, recipe, rates_by_inputs=False)
    training = Training(guess, optimizer, stock, preparation(dataset, recipe), recipe, seed=0)
    with one_thread():
        for number in range(recipe.epochs):
            train_pass(training, number)
    own = np.bincount(dataset.examples("training").labels)
    assert len(stock.draw(torch.Generator())) > own.sum()
    np.testing.assert_allclose(guess.logits.softmax(0).detach(), own / own.sum(), atol=0.01)
