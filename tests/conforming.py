"""The smallest components of each kind that pass the conformance kit, and break one rule each when told to."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements, Metric, Refinement, Scalar
from benchsuite_registry.poses import Frame, ImageBatch, KeypointBatch, Labels, PoseBatch, Target
from benchsuite_registry.skeletons import H36M_17
from people import person

_TURN = torch.tensor(((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)))
STANDING = torch.from_numpy(person() - person()[:1]).float() @ _TURN.T


class Lifter:
    """Puts every joint at one depth; hidden ones on the optical axis."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.calls = 0
        self.spoilt = False
        self.buffer: dict[int, torch.Tensor] = {}
        self.drawn = np.random.default_rng().normal() if fault == "drawn when built" else 0.0

    def lift(self, keypoints: KeypointBatch) -> Any:
        uv, center = keypoints.uv, keypoints.camera.center[:, None]
        seen = keypoints.visible & uv.isfinite().all(-1)
        if self.fault == "hidden pixels":
            seen = uv.isfinite().all(-1)
        depth = uv.new_full(uv.shape[:2], 5000.0)
        xyz = keypoints.camera.backproject(torch.where(seen[..., None], uv, center), depth)
        poses = PoseBatch(xyz, Frame.CAMERA, keypoints.skeleton, keypoints.ids).root_relative()
        return self.broken(keypoints, poses, seen)

    def broken(self, keypoints: KeypointBatch, poses: PoseBatch, seen: torch.Tensor) -> Any:
        xyz, count = poses.xyz, len(keypoints)
        self.calls += 1
        match self.fault:
            case "metres":
                return replace(poses, xyz=xyz / 1000)
            case "root elsewhere":
                return replace(poses, xyz=xyz + 5.0)
            case "batch norm":
                return replace(poses, xyz=xyz * xyz.std() / 300.0)
            case "place in batch":
                return replace(poses, xyz=xyz * (1 + torch.arange(count)[:, None, None]))
            case "ids":
                return replace(poses, ids=poses.ids.flip(0))
            case "rows":
                return poses.rows(slice(1, None))
            case "array":
                return xyz.numpy()
            case "frame":
                return replace(poses, frame=Frame.CAMERA)
            case "float64":
                return replace(poses, xyz=xyz.double())
            case "writes":
                keypoints.uv.clamp_(0, 500)
            case "writes the camera":
                keypoints.camera.focal.mul_(2)
            case "writes clips":
                keypoints.clip.add_(7)
            case "buffer":
                out = self.buffer.setdefault(count, torch.empty_like(xyz))
                return replace(poses, xyz=out.copy_(xyz))
            case "state":
                return replace(poses, xyz=xyz * self.calls)
            case "drawn when built":
                return replace(poses, xyz=xyz * (1 + self.drawn))
            case "grad":
                leaf = keypoints.uv.clone().requires_grad_()
                with torch.enable_grad():
                    torch.autograd.grad(leaf.sum(), leaf)
            case "prints":
                print("lifting")
            case "prints below":
                os.write(1, b"lifting")
            case "seeds torch":
                torch.manual_seed(0)
            case "seeds random":
                random.seed(0)
            case "seeds numpy":
                np.random.seed(0)  # noqa: NPY002 - the fault in question
            case "threads":
                torch.set_num_threads(torch.get_num_threads() + 1)
            case "type":
                torch.set_default_dtype(torch.float64)
            case "folder":
                os.chdir("/")
            case "environment":
                os.environ["OMP_NUM_THREADS"] = "7"
            case "empty":
                return replace(poses, xyz=xyz / xyz.abs().max() * 1000)
            case "row numbers":
                return replace(poses, xyz=xyz * (1 + keypoints.ids[:, None, None]))
            case "index":
                return replace(poses, xyz=xyz - xyz[:, :1], skeleton=H36M_17)
            case "NaN spreads":
                return poses if bool(seen.all()) else replace(poses, xyz=xyz * torch.nan)
            case "NaN":
                return replace(poses, xyz=torch.where(poses.ids[:, None, None] % 4 == 0, torch.nan, xyz))
            case "remembers":
                self.spoilt = self.spoilt or not bool(seen.all())
                return replace(poses, xyz=xyz * (2 if self.spoilt else 1))
            case "three frames":
                return replace(poses, xyz=xyz.unfold(0, 3, 1).mean(-1))
        return poses


class ImageModel:
    """Sees a standing person in the middle of every crop."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.size: Any = 64.0 if fault == "size" else 64

    def predict(self, images: ImageBatch) -> tuple[KeypointBatch, PoseBatch]:
        count, size = len(images), images.rgb.shape[-1]
        uv = (STANDING[:, :2] / 2000 + 0.5).expand(count, -1, -1) * size
        camera = images.camera
        match self.fault:
            case "writes":
                images.rgb.mul_(2)
            case "normalised":
                uv = uv / size
            case "of the photograph":
                uv = uv + 5000
            case "camera":
                camera = replace(camera, focal=camera.focal * 2)
            case "black" if bool((images.rgb.flatten(1).amax(1) == 0).any()):
                raise ZeroDivisionError("a picture without contrast")
        numbers = torch.zeros_like(images.ids)
        seen = torch.ones(count, len(H36M_17), dtype=torch.bool)
        poses = PoseBatch(STANDING.repeat(count, 1, 1), Frame.ROOT, H36M_17, images.ids)
        return KeypointBatch(uv.clone(), seen, camera, H36M_17, images.ids, numbers, numbers), poses


class Refiner:
    """Puts the whole pose where it fits its keypoints, by least squares, and leaves it as it is."""

    def __init__(self, fault: str = "", backend: str = "one") -> None:
        self.fault = fault
        self.backend = backend

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
        uv = torch.stack([keypoints.uv[:, keypoints.skeleton.index(j)] for j in poses.skeleton.joints], dim=1)
        visible = torch.stack([keypoints.visible[:, keypoints.skeleton.index(j)] for j in poses.skeleton.joints], dim=1)
        seen = visible & uv.isfinite().all(-1) & poses.xyz.isfinite().all(-1)
        rays = torch.where(seen[..., None], keypoints.camera.rays(uv), 0.0).double()
        xyz = torch.where(seen[..., None], poses.xyz, 0.0).double()
        # x + tx = a (z + tz): two equations a joint in the three unknowns of the translation
        zero, one = torch.zeros_like(rays[..., 0]), seen.double()
        rows = torch.cat(
            (torch.stack((one, zero, -rays[..., 0]), -1), torch.stack((zero, one, -rays[..., 1]), -1)), dim=1
        )
        wanted = (rays * xyz[..., 2:] - xyz[..., :2]).transpose(1, 2).flatten(1)[..., None]
        normal = rows.transpose(1, 2) @ rows + 1e-9 * torch.eye(3)
        root = torch.linalg.solve(normal, rows.transpose(1, 2) @ wanted)[..., 0]
        root[:, 2] = root[:, 2].clamp(min=2000.0)
        placed = poses.xyz + root[:, None].float()
        match self.fault:
            case "view":
                placed = poses.xyz.add_(0.0)
            case "writes the camera":
                keypoints.camera.center.zero_()
            case "flattens":
                placed = placed * torch.tensor((1.0, 1.0, 0.0)) + root[:, None, 2:].float() * torch.tensor(
                    (0.0, 0.0, 1.0)
                )
            case "misses":
                placed = placed + torch.tensor((200.0, 0.0, 0.0))
            case "behind":
                placed = placed - torch.tensor((0.0, 0.0, 8000.0))
            case "depth":
                root = root + 100.0
            case "backends" if self.backend == "other":
                placed = placed + 10.0
            case "loses":
                placed = torch.where(visible[..., None], placed, torch.zeros_like(placed))
        count = len(poses)
        return Refinement(
            PoseBatch(placed, Frame.CAMERA, poses.skeleton, poses.ids),
            root[:, 2].double(),
            torch.zeros(count, dtype=torch.float64),
            torch.zeros(count, dtype=torch.uint8),
        )


class Evaluator:
    """Mean distance of predicted from true joints, roots aligned."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.calls = 0

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        self.calls += 1
        predicted, true = poses.in_skeleton(target.poses.skeleton), target.poses.root_relative()
        xyz = (predicted if self.fault == "not rooted" else predicted.root_relative()).xyz
        error = (xyz - true.xyz).norm(dim=-1).mean(1)
        if self.fault == "distances":
            error = (xyz.norm(dim=-1) - true.xyz.norm(dim=-1)).abs().mean(1)
        mm = error.double().numpy()
        if self.fault == "writes the truth":
            target.poses.xyz.mul_(3)
        if self.fault == "batch mean":
            mm = np.full_like(mm, mm.mean())
        return {"mm": [str(one) for one in mm] if self.fault == "text" else mm}

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        mm = np.asarray(measurements["mm"], dtype=np.float64)
        value = float(mm.mean())
        metrics = []
        match self.fault:
            case "offset":
                value += 1.0
            case "score":
                return (Metric("score", min(100.0, value), "%", "higher", n=len(mm)),)
            case "weights":
                value = float(np.average(mm, weights=np.arange(len(mm))))
            case "last":
                value = float(mm[-1])
            case "resamples":
                value = float(np.random.choice(mm, len(mm)).mean())  # noqa: NPY002 - the fault in question
            case "writes":
                mm += 1.0
            case "twice":
                metrics.append(Metric("toy error", value, "mm", "lower", n=len(mm)))
            case "interval":
                metrics.append(Metric("other error", 5.0, "mm", "lower", low=6.0, high=7.0, n=len(mm)))
        return (Metric("toy error", value, "mm", "lower", n=len(mm)), *metrics)

    def protocol(self) -> Mapping[str, Scalar]:
        said: dict[str, Any] = {"joints": 17, "alignment": "root"}
        if self.fault == "protocol":
            said["calls"] = self.calls
        if self.fault == "tensor":
            said["joints"] = torch.tensor(17)
        return said
