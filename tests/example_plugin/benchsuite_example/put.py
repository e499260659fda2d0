"""A refiner that finds where a pose stands and leaves its shape as it is."""

from __future__ import annotations

import torch
from benchsuite_registry.contracts import Refinement
from benchsuite_registry.poses import Frame, KeypointBatch, PoseBatch

UNSEEN = 1
"""Flag of poses with fewer than two usable joints."""


class Put:
    """Joint (x, y, z) at root (X, Y, Z) is seen along the ray (a, b, 1) if x + X = a (z + Z) and y + Y = b (z + Z): two
    equations a joint, linear in the root, solved by least squares.

    Args:
        nearest_mm: least depth of the root.
    """

    def __init__(self, nearest_mm: float) -> None:
        self.nearest_mm = nearest_mm

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
        """Poses before the camera; ``cost`` is the sum of squares that is left, mm^2."""
        order = [keypoints.skeleton.index(joint) for joint in poses.skeleton.joints]
        uv, visible = keypoints.uv[:, order], keypoints.visible[:, order]
        seen = visible & uv.isfinite().all(-1) & poses.xyz.isfinite().all(-1)
        ray = torch.where(seen[..., None], keypoints.camera.rays(uv), 0.0).double()
        xyz = torch.where(seen[..., None], poses.xyz, 0.0).double()
        one = seen.double()
        none = torch.zeros_like(one)
        rows = torch.cat((torch.stack((one, none, -ray[..., 0]), -1), torch.stack((none, one, -ray[..., 1]), -1)), 1)
        wanted = (ray * xyz[..., 2:] - xyz[..., :2]).transpose(1, 2).flatten(1)[..., None]
        normal = rows.transpose(1, 2) @ rows + 1e-9 * torch.eye(3, dtype=rows.dtype)
        root = torch.linalg.solve(normal, rows.transpose(1, 2) @ wanted)
        root[:, 2].clamp_(min=self.nearest_mm)
        cost = (rows @ root - wanted).square().sum((1, 2))
        placed = poses.xyz + root[..., 0][:, None].to(poses.xyz.dtype)
        flags = torch.where(seen.sum(1) < 2, UNSEEN, 0).to(torch.uint8)
        return Refinement(
            PoseBatch(placed, Frame.CAMERA, poses.skeleton, poses.ids), root[:, 2, 0].clone(), cost, flags
        )
