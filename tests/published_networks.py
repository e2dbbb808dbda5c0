"""Networks published in a folder of a test's own."""

from kwslib.training.fit import fitted
from kwslib.training.study import study_of, write_published


def publish(model, dataset, seeds, recipe, folder):
    """Train, or find trained, score and write, as the published run does."""
    networks = [fitted(model, dataset, recipe, seed) for seed in seeds]
    studies = [study_of(network, dataset) for network in networks]
    write_published(networks[0].checkpoint, studies, model, dataset.task, folder)
