"""From weights, shipped or one's own, to an image model ready for use, or to a network that goes on learning."""

from __future__ import annotations

from pathlib import Path

from benchsuite_registry.checkpoints import WrongCheckpoint, fill, load_checkpoint

from benchsuite_image_models import METHODS, weights_path
from benchsuite_image_models.inference import Precision
from benchsuite_image_models.network import Architecture, HourglassNetwork


def _network(method: str, weights: str, precision: Precision) -> HourglassNetwork:
    path = weights_path(method, {"weights": weights})
    tensors, about = load_checkpoint(path, method)
    known = Architecture.__dataclass_fields__
    try:
        architecture = Architecture(**{k: v for k, v in about["architecture"].items() if k in known})
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise WrongCheckpoint(f"{path}: its description does not say the architecture: {error}") from None
    network = HourglassNetwork(architecture)
    fill(network, tensors, path)
    return network.prepared(precision)


def zhou(weights: str, precision: Precision = "float32") -> HourglassNetwork:
    """Zhou et al.'s model with ``weights``; empty takes the shipped ones."""
    return _network("zhou", weights, precision)


def yang(weights: str, precision: Precision = "float32") -> HourglassNetwork:
    """Yang et al.'s model with ``weights``; empty takes the shipped ones."""
    return _network("yang", weights, precision)


def wild(weights: str, precision: Precision = "float32") -> HourglassNetwork:
    """Wang et al.'s model with ``weights``; empty takes the shipped ones."""
    return _network("wild", weights, precision)


def start_from(network: HourglassNetwork, weights: str) -> None:
    """Take all tensors of another run, of any of the three methods, such as one that was only trained in 2D.

    Raises:
        WrongCheckpoint: not such a file, or a network of another architecture; names the first tensors that differ.
    """
    path = Path(weights)
    fill(network, load_checkpoint(path, *METHODS)[0], path)
