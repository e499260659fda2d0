"""From weights, shipped or one's own, to a lifter ready for use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchsuite_registry.checkpoints import WrongCheckpoint, fill, load_checkpoint

from benchsuite_lifters.floors import MeanPose
from benchsuite_lifters.inference import Precision
from benchsuite_lifters.martinez import Martinez
from benchsuite_lifters.network import Architecture, LiftingNetwork
from benchsuite_lifters.stereo import Stereo

_NETWORKS: Mapping[str, Callable[[Architecture], LiftingNetwork]] = {"martinez": Martinez, "stereo": Stereo}


def _network(method: str, weights: str, precision: Precision) -> LiftingNetwork:
    from benchsuite_lifters import weights_path

    path = weights_path(method, {"weights": weights})
    tensors, about = load_checkpoint(path, method)
    known = Architecture.__dataclass_fields__
    try:
        architecture = Architecture(**{k: v for k, v in about["architecture"].items() if k in known})
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise WrongCheckpoint(f"{path}: its description does not say the architecture: {error}") from None
    network = _NETWORKS[method](architecture)
    fill(network, tensors, path)
    return network.eval().prepared(precision)


def martinez(weights: str, precision: Precision = "float32") -> LiftingNetwork:
    """Martinez et al.'s lifter with ``weights``; empty takes the shipped ones."""
    return _network("martinez", weights, precision)


def stereo(weights: str, precision: Precision = "float32") -> LiftingNetwork:
    """The stereo generator with ``weights``; empty takes the shipped ones."""
    return _network("stereo", weights, precision)


def mean_pose(weights: str) -> MeanPose:
    """The mean pose lifter with ``weights``; empty takes the shipped ones."""
    from benchsuite_lifters import weights_path

    path = weights_path("mean-pose", {"weights": weights})
    lifter = MeanPose()
    fill(lifter, load_checkpoint(path, "mean-pose")[0], Path(path))
    return lifter
