"""``geosearch``: the depth at which a pose and its 2D keypoints agree best, and the pose placed there."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import IntFlag
from importlib.util import find_spec

import torch
from benchsuite_registry.contracts import Refinement
from benchsuite_registry.poses import Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import Skeleton
from torch import Tensor

from benchsuite_refiners import objective as mathematics
from benchsuite_refiners.columns import Columns, Placed, Search
from benchsuite_refiners.search_cpu import search


class Flag(IntFlag):
    """What there is to report of a refined pose."""

    UNDEFINED = mathematics.UNDEFINED
    """No depth could be found; the pose came back as it went in, its root at the camera."""
    AT_BOUND = mathematics.AT_BOUND
    """The best depth lies beyond the range, or would put a joint behind the camera."""
    ROOT_MISSING = mathematics.ROOT_MISSING
    """The root's keypoint is missing; the pose was aligned at the hips, or at the mean."""
    JOINTS_MISSING = mathematics.JOINTS_MISSING
    """Some joints have no keypoint or are NaN; they kept their place relative to the root."""


class GeoSearch:
    """The geometric search: exact on its 1 mm grid, without a scan.

    A joint is used if it is visible and its keypoint and prediction are finite. Used joints move
    onto the rays of their keypoints, so that they reproject without error; the others keep their
    x and y from the root, which is placed with them. Depths between joints never change.

    Args:
        objective: what is least at the best depth, with e the distance between back-projection and
            prediction in the image plane, in mm: ``sq`` the sum of |e|^2, ``quartic`` the sum of
            |e|^4, ``l1`` the sum of |e|. Of depths that tie, the smallest.
        align: what a back-projected pose has in common with the prediction: the ``root`` (without
            its keypoint the midpoint of the hips, without theirs the mean) or the ``mean`` of the
            used joints. ``literal`` takes Eq. (5) at its word and compares absolute with
            root-relative coordinates: off by metres unless the root is on the optical axis.
        low_mm: least root depth allowed, >= 0. Wherever it is lower, the least depth that keeps
            all used joints in front of the camera takes its place.
        high_mm: greatest root depth allowed.
        backend: ``cpu``, ``cuda`` (needs Triton), or ``auto``: where the poses are, if that can be.

    Raises:
        ValueError: an unknown word, a range without a depth, a backend that cannot be used.

    Source: Eq. (4)-(5), Sec. 3.4.
    Deviation: ``quartic`` is Eq. (5) by the letter, ``sq`` its natural reading and a little more
    exact, ``l1`` what the authors' code computes. The paper increases the depth from 0 by 1 mm until
    the loss rises; the objectives are convex, so that its answer is computed at once.
    """

    def __init__(
        self,
        objective: str = "sq",
        align: str = "root",
        low_mm: int = 0,
        high_mm: int = 20000,
        backend: str = "auto",
    ) -> None:
        for name, word, words in (
            ("objective", objective, mathematics.OBJECTIVES),
            ("align", align, mathematics.ALIGNMENTS),
            ("backend", backend, ("auto", "cpu", "cuda")),
        ):
            if word not in words:
                raise ValueError(f"geosearch: {name}: wanted one of {', '.join(words)}, found {word!r}")
        if not 0 <= low_mm <= high_mm:
            raise ValueError(f"geosearch: wanted 0 <= low_mm <= high_mm, found {low_mm} and {high_mm}")
        if backend == "cuda" and (lack := _lack_of_cuda()):
            raise ValueError(f"geosearch: backend cuda cannot be used: {lack}; wanted auto or cpu")
        self.objective = mathematics.OBJECTIVES.index(objective)
        self.align = mathematics.ALIGNMENTS.index(align)
        self.low_mm, self.high_mm = low_mm, high_mm
        self.backend = backend

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
        """Poses placed before the camera, in the skeleton, precision and device they came in.

        Args:
            poses: ``Frame.ROOT``; others are re-rooted.
            keypoints: of the same samples, undistorted; read by joint name.

        Returns:
            ``cost`` in mm^2 (``sq``), mm^4 (``quartic``) or mm (``l1``); ``flags`` of ``Flag``.

        Raises:
            ValueError: the batches differ in length, or share fewer than two joints.
        """
        if len(poses) != len(keypoints):
            raise ValueError(f"geosearch: {len(poses)} poses but keypoints of {len(keypoints)}")
        if poses.frame is not Frame.ROOT:
            poses = poses.root_relative()
        uv, visible = _in_order(poses.skeleton.joints, keypoints)
        joints = _anchors(poses.skeleton)
        wanted = Search(joints, self.objective, self.align, float(self.low_mm), float(self.high_mm))
        camera = keypoints.camera
        kind = torch.float32
        if any(t.dtype != kind for t in (uv, poses.xyz, camera.focal, camera.center)):
            kind = torch.float64

        def column(tensor: Tensor, dtype: torch.dtype = kind) -> Tensor:
            return tensor.detach().to(dtype).flatten(1).contiguous()

        found = self._search(
            Columns(
                column(uv),
                column(visible, torch.bool),
                column(camera.focal),
                column(camera.center),
                column(poses.xyz),
            ),
            wanted,
        )
        xyz = found.xyz.reshape(poses.xyz.shape).to(poses.xyz)
        depth, cost, flags = (t.to(poses.xyz.device) for t in (found.depth, found.cost, found.flags))
        return Refinement(replace(poses, xyz=xyz, frame=Frame.CAMERA), depth, cost, flags)

    def _search(self, columns: Columns, wanted: Search) -> Placed:
        is_cuda = columns.xyz.is_cuda
        if self.backend == "cuda" or (self.backend == "auto" and is_cuda and not _lack_of_cuda()):
            from benchsuite_refiners import search_cuda

            device = columns.xyz.device if is_cuda or _interpreted() else "cuda"
            return search_cuda.search(Columns(*(c.to(device) for c in columns)), wanted)
        arrays = Columns(*(c.cpu().numpy() for c in columns))
        return Placed(*map(torch.from_numpy, search(arrays, wanted, threads=torch.get_num_threads())))


def _lack_of_cuda() -> str:
    """Why the CUDA kernel cannot be used; empty if it can."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    return "" if torch.cuda.is_available() or _interpreted() else "there is no CUDA device"


def _interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"


def _anchors(skeleton: Skeleton) -> tuple[int, int, int]:
    """Columns of the root and of the left and the right hip, -1 where there is none."""
    root, *hips = (
        skeleton.index(joint) if joint in skeleton.joints else -1 for joint in (skeleton.root, "l_hip", "r_hip")
    )
    return (root, -1, -1) if -1 in hips else (root, hips[0], hips[1])


def _in_order(joints: tuple[str, ...], keypoints: KeypointBatch) -> tuple[Tensor, Tensor]:
    """(B, J, 2) px and (B, J) visibility of ``joints``, invisible where there is no such keypoint."""
    theirs = keypoints.skeleton.joints
    if joints == theirs:
        return keypoints.uv, keypoints.visible
    columns = [theirs.index(j) if j in theirs else -1 for j in joints]
    shared = keypoints.visible.new_tensor([c >= 0 for c in columns])
    if shared.sum() < 2:
        raise ValueError(
            f"geosearch: wanted two joints or more that poses and keypoints share, found {int(shared.sum())}: "
            f"poses have {', '.join(joints)}; keypoints of {keypoints.skeleton.name} have {', '.join(theirs)}"
        )
    return keypoints.uv[:, columns], keypoints.visible[:, columns] & shared
