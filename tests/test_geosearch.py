"""geosearch as a refiner: known answers, masks and flags, skeletons, parameters."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product

import pytest
import torch
from benchsuite_refiners.geosearch import Flag, GeoSearch
from benchsuite_registry.contracts import Refiner
from benchsuite_registry.loading import load_registries
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch
from benchsuite_registry.registries import WrongParameter
from benchsuite_registry.skeletons import H36M_17, LSP_14, MPII_16, PENN_13, Skeleton
from torch import Tensor

OBJECTIVES = ("sq", "quartic", "l1")
objectives = pytest.mark.parametrize("objective", OBJECTIVES)
alignments = pytest.mark.parametrize("align", ["root", "mean"])
H36M_CAMERA = ((1145.0494384765625, 1143.7811279296875), (512.54150390625, 515.4514770507812))


def keypoints_of(uv: Tensor, camera: Camera, skeleton: Skeleton = H36M_17) -> KeypointBatch:
    """Keypoints (B, J, 2) px, all visible."""
    ids = torch.arange(len(uv))
    return KeypointBatch(uv, torch.ones(uv.shape[:2], dtype=torch.bool), camera, skeleton, ids, ids, ids)


def pose_of(xyz: Tensor, skeleton: Skeleton = H36M_17) -> PoseBatch:
    """Root-relative poses (B, J, 3) mm."""
    return PoseBatch(xyz, Frame.ROOT, skeleton, torch.arange(len(xyz)))


def filmed(count: int = 64, seed: int = 0, *, noise: float = 0.0) -> tuple[PoseBatch, KeypointBatch, PoseBatch]:
    """Predictions, keypoints and true poses in float64: joints within 0.7 m of a root 3-7 m away."""
    random = torch.Generator().manual_seed(seed)
    xyz = (torch.rand(count, 17, 3, generator=random, dtype=torch.float64) - 0.5) * 1000
    xyz[:, 0] = 0
    root = torch.rand(count, 1, 3, generator=random, dtype=torch.float64) * torch.tensor((1600, 1000, 4000))
    root = (root - torch.tensor((800, 500, -3000))).round()
    focal, center = (torch.tensor(c, dtype=torch.float64).expand(count, 2) for c in H36M_CAMERA)
    camera = Camera(focal, center)
    truth = replace(pose_of(xyz + root), frame=Frame.CAMERA)
    error = torch.randn(xyz.shape, generator=random, dtype=torch.float64) * noise
    error[:, 0] = 0
    return pose_of(xyz + error), keypoints_of(camera.project(truth.xyz), camera), truth


@objectives
@alignments
def test_a_perfect_pose_goes_where_it_was(objective: str, align: str) -> None:
    poses, keypoints, truth = filmed()
    found = GeoSearch(objective, align).refine(poses, keypoints)
    assert torch.equal(found.depth_mm, truth.xyz[:, 0, 2])
    torch.testing.assert_close(found.poses.xyz, truth.xyz, rtol=0, atol=1e-8)
    assert found.poses.frame is Frame.CAMERA
    assert not found.flags.any()
    assert float(found.cost.max()) < 1e-9


@objectives
@pytest.mark.parametrize("align", ["root", "mean", "literal"])
def test_refined_joints_reproject_without_error_and_keep_their_depths(objective: str, align: str) -> None:
    poses, keypoints, _ = filmed(noise=60)
    found = GeoSearch(objective, align).refine(poses, keypoints).poses
    torch.testing.assert_close(keypoints.camera.project(found.xyz), keypoints.uv, rtol=0, atol=1e-9)
    relative = found.root_relative().xyz[..., 2]
    torch.testing.assert_close(relative, poses.xyz[..., 2], rtol=0, atol=1e-9)


def test_float32_reprojects_within_a_thousandth_of_a_pixel() -> None:
    poses, keypoints, _ = filmed(noise=60)
    poses = replace(poses, xyz=poses.xyz.float())
    camera = Camera(keypoints.camera.focal.float(), keypoints.camera.center.float())
    keypoints = replace(keypoints, uv=keypoints.uv.float(), camera=camera)
    found = GeoSearch().refine(poses, keypoints).poses
    assert found.xyz.dtype == torch.float32
    torch.testing.assert_close(camera.project(found.xyz), keypoints.uv, rtol=0, atol=1e-3)


def test_it_repairs_what_lies_across_the_rays_and_nothing_else() -> None:
    poses, keypoints, truth = filmed(2000, noise=30)
    before = (poses.xyz - truth.root_relative().xyz).norm(dim=-1).mean()
    found = GeoSearch().refine(poses, keypoints).poses.root_relative().xyz
    after = (found - truth.root_relative().xyz).norm(dim=-1).mean()
    floor = (poses.xyz - truth.root_relative().xyz)[..., 2].abs().mean()
    assert floor < after < 0.7 * before


@objectives
def test_depth_scales_with_the_prediction(objective: str) -> None:
    poses, keypoints, _ = filmed(noise=30)
    refiner = GeoSearch(objective, high_mm=10_000_000)
    large = refiner.refine(replace(poses, xyz=poses.xyz * 1000), keypoints).depth_mm
    larger = refiner.refine(replace(poses, xyz=poses.xyz * 1370), keypoints).depth_mm
    assert float((larger - 1.37 * large).abs().max()) <= 0.5 * 2.37  # both are rounded to whole mm


TRIPOD = Skeleton("TRIPOD", ("pelvis", "a", "b"), (-1, 0, 0))


@pytest.mark.parametrize(
    ("x", "objective", "depth"),
    [(100, o, 2000) for o in OBJECTIVES] + [(120, "sq", 2080), (120, "quartic", 2114), (120, "l1", 2000)],
)
def test_by_hand(x: float, objective: str, depth: float) -> None:
    """Rays .05 and .1 against 100 or 120 and 200 mm; the quartic's real optimum is 2113.64."""
    camera = Camera(torch.full((1, 2), 1000.0), torch.zeros(1, 2))
    keypoints = keypoints_of(torch.tensor([[(0.0, 0), (50, 0), (0, 100)]]), camera, TRIPOD)
    poses = pose_of(torch.tensor([[(0.0, 0, 0), (x, 0, 0), (0, 200, 0)]]), TRIPOD)
    found = GeoSearch(objective).refine(poses, keypoints)
    assert found.depth_mm.tolist() == [depth]
    wanted = torch.tensor([[(0, 0, depth), (0.05 * depth, 0, depth), (0, 0.1 * depth, depth)]])
    torch.testing.assert_close(found.poses.xyz, wanted, rtol=1e-6, atol=0)
    e, f = 0.05 * depth - x, 0.1 * depth - 200
    cost = {"sq": e * e + f * f, "quartic": e**4 + f**4, "l1": abs(e) + abs(f)}[objective]
    assert found.cost.item() == pytest.approx(cost, abs=1e-4)


def test_literal_equals_rooted_only_on_the_optical_axis() -> None:
    poses, keypoints, truth = filmed(noise=20)
    off_axis = [GeoSearch(align=a).refine(poses, keypoints).depth_mm for a in ("root", "literal")]
    assert float((off_axis[0] - off_axis[1]).abs().median()) > 500
    root = truth.xyz[:, :1] * torch.tensor((0, 0, 1))
    centred = replace(keypoints, uv=keypoints.camera.project(truth.root_relative().xyz + root))
    on_axis = [GeoSearch(align=a).refine(poses, centred).depth_mm for a in ("root", "literal")]
    assert torch.equal(*on_axis)


@objectives
@alignments
@pytest.mark.parametrize("how", ["invisible", "uv", "x", "z"])
def test_an_unusable_joint_counts_for_nothing_and_is_carried_along(objective: str, align: str, how: str) -> None:
    poses, keypoints, _ = filmed(3, noise=30)
    names = tuple(n for n in H36M_17.joints if n != "l_wrist")
    wrist = H36M_17.index("l_wrist")
    rest = [j for j in range(17) if j != wrist]
    without = Skeleton("NO_WRIST", names, (-1,) + (0,) * 15)
    refiner = GeoSearch(objective, align)
    wanted = refiner.refine(
        pose_of(poses.xyz[:, rest], without), keypoints_of(keypoints.uv[:, rest], keypoints.camera, without)
    )
    visible, uv, xyz = keypoints.visible.clone(), keypoints.uv.clone(), poses.xyz.clone()
    uv[1, wrist] = 0
    if how == "invisible":
        visible[1, wrist] = False
    elif how == "uv":
        uv[1, wrist, 1] = torch.nan
    else:
        xyz[1, wrist, "xyz".index(how)] = torch.nan
    found = refiner.refine(replace(poses, xyz=xyz), replace(keypoints, uv=uv, visible=visible))
    assert found.depth_mm[1] == wanted.depth_mm[1]
    assert found.flags.tolist() == [0, Flag.JOINTS_MISSING, 0]
    torch.testing.assert_close(found.poses.xyz[1, rest], wanted.poses.xyz[1], rtol=0, atol=1e-9)
    if how in ("invisible", "uv") and align == "root":
        torch.testing.assert_close(found.poses.xyz[1, wrist] - found.poses.xyz[1, 0], poses.xyz[1, wrist])
    untouched = refiner.refine(poses, keypoints)
    for row in (0, 2):
        assert torch.equal(found.poses.xyz[row], untouched.poses.xyz[row])


def test_without_the_roots_keypoint_the_hips_align_and_without_theirs_the_mean() -> None:
    poses, keypoints, truth = filmed(3, noise=30)
    visible = keypoints.visible.clone()
    visible[1:, 0] = False
    visible[2, H36M_17.index("l_hip")] = False
    found = GeoSearch().refine(poses, replace(keypoints, visible=visible))
    missing = Flag.ROOT_MISSING | Flag.JOINTS_MISSING
    assert found.flags.tolist() == [0, missing, missing]
    averaged = GeoSearch(align="mean").refine(poses, replace(keypoints, visible=visible))
    assert averaged.flags.tolist() == [0, Flag.JOINTS_MISSING, Flag.JOINTS_MISSING]
    assert found.depth_mm[2] == averaged.depth_mm[2]
    assert found.depth_mm[1] != averaged.depth_mm[1]
    perfect = GeoSearch().refine(replace(truth, frame=Frame.CAMERA), replace(keypoints, visible=visible))
    torch.testing.assert_close(perfect.poses.xyz, truth.xyz, rtol=0, atol=1e-8)


@alignments
def test_poses_without_a_depth_come_back_as_they_were(align: str) -> None:
    poses, keypoints, _ = filmed(5, noise=30)
    uv, visible = keypoints.uv.clone(), keypoints.visible.clone()
    focal = keypoints.camera.focal.clone()
    uv[1] = uv[1, :1]
    visible[2] = False
    visible[3, 1:] = False
    focal[4] = 0
    broken = replace(keypoints, uv=uv, visible=visible, camera=Camera(focal, keypoints.camera.center))
    found = GeoSearch(align=align).refine(poses, broken)
    assert found.depth_mm.isnan().tolist() == [False, True, True, True, True]
    assert found.cost.isnan().tolist() == [False, True, True, True, True]
    assert [bool(f & Flag.UNDEFINED) for f in found.flags] == [False, True, True, True, True]
    assert torch.equal(found.poses.xyz[1:], poses.xyz[1:])


@objectives
def test_range_and_bounds(objective: str) -> None:
    poses, keypoints, truth = filmed()
    depth = truth.xyz[:, 0, 2]
    low, high = int(depth.quantile(0.3)), int(depth.quantile(0.7))
    found = GeoSearch(objective, low_mm=low, high_mm=high).refine(poses, keypoints)
    assert torch.equal(found.depth_mm, depth.clamp(low, high))
    outside = (depth < low) | (depth > high)
    assert torch.equal(found.flags == Flag.AT_BOUND, outside)
    assert torch.equal(found.flags == 0, ~outside)


@objectives
@alignments
def test_mirrored_predictions_stay_in_front_of_the_camera(objective: str, align: str) -> None:
    poses, keypoints, _ = filmed(noise=20)
    mirrored = replace(poses, xyz=poses.xyz * torch.tensor((-1, -1, 1)))
    found = GeoSearch(objective, align).refine(mirrored, keypoints)
    assert bool((found.flags == Flag.AT_BOUND).all())
    assert float(found.poses.xyz[..., 2].min()) > 0
    whole = replace(mirrored, xyz=mirrored.xyz.round())  # whole millimetres: a depth may put a joint at exactly 0
    assert float(GeoSearch(objective, align).refine(whole, keypoints).poses.xyz[..., 2].min()) == 1
    first = -mirrored.xyz[..., 2].min(dim=1).values
    assert bool(((found.depth_mm > first) & (found.depth_mm <= first + 1)).all())


def test_a_joint_far_behind_the_root_stays_in_front() -> None:
    camera = Camera(torch.full((1, 2), 1000.0), torch.zeros(1, 2))
    seen = keypoints_of(torch.tensor([[(0.0, 0), (50, 0), (0, 100)]]), camera, TRIPOD)
    found = GeoSearch().refine(pose_of(torch.tensor([[(0.0, 0, 0), (60, 0, 0), (0, -20, -1400)]]), TRIPOD), seen)
    assert (found.depth_mm.tolist(), found.flags.tolist()) == ([1401.0], [Flag.AT_BOUND])


def test_a_range_that_only_holds_depths_behind_the_camera_is_undefined() -> None:
    poses, keypoints, _ = filmed(4)
    assert GeoSearch(high_mm=100).refine(poses, keypoints).flags.tolist() == [Flag.UNDEFINED] * 4


def test_no_poses_give_no_refinement() -> None:
    poses, keypoints, _ = filmed(4)
    found = GeoSearch().refine(poses.rows(slice(0, 0)), keypoints.rows(slice(0, 0)))
    assert found.poses.xyz.shape == (0, 17, 3)
    assert found.depth_mm.shape == found.cost.shape == found.flags.shape == (0,)


def test_joints_are_met_by_name() -> None:
    poses, keypoints, truth = filmed(noise=30)
    in_mpii = keypoints_of(keypoints.camera.project(truth.in_skeleton(MPII_16).xyz), keypoints.camera, MPII_16)
    shared = torch.tensor([j in MPII_16.joints for j in H36M_17.joints])
    wanted = GeoSearch().refine(poses, replace(keypoints, visible=keypoints.visible & shared))
    found = GeoSearch().refine(poses, in_mpii)
    assert found.poses.skeleton == H36M_17
    assert torch.equal(found.depth_mm, wanted.depth_mm)
    torch.testing.assert_close(found.poses.xyz, wanted.poses.xyz)
    assert set(found.flags.tolist()) == {int(Flag.JOINTS_MISSING)}


@pytest.mark.parametrize("seen", [PENN_13, LSP_14])
def test_keypoints_without_a_root_align_at_the_hips(seen: Skeleton) -> None:
    poses, keypoints, truth = filmed()
    uv = keypoints.camera.project(truth.in_skeleton(seen).xyz)
    found = GeoSearch().refine(poses, keypoints_of(uv, keypoints.camera, seen))
    assert torch.equal(found.depth_mm, truth.xyz[:, 0, 2])
    torch.testing.assert_close(found.poses.xyz, truth.xyz, rtol=0, atol=1e-8)
    assert set(found.flags.tolist()) == {int(Flag.ROOT_MISSING | Flag.JOINTS_MISSING)}


def test_inputs_stay_as_they_were() -> None:
    poses, keypoints, _ = filmed(noise=30)
    before = [t.clone() for t in (poses.xyz, keypoints.uv, keypoints.visible)]
    GeoSearch().refine(poses, keypoints)
    assert all(torch.equal(a, b) for a, b in zip(before, (poses.xyz, keypoints.uv, keypoints.visible), strict=True))


def test_mixed_precision_and_strided_tensors_are_read_rightly() -> None:
    poses, keypoints, _ = filmed(noise=30)
    wanted = GeoSearch().refine(poses, keypoints).poses.xyz
    strided = replace(poses, xyz=poses.xyz.repeat_interleave(2, dim=2)[..., ::2])
    single = replace(keypoints, uv=keypoints.uv.float())
    assert torch.equal(GeoSearch().refine(strided, keypoints).poses.xyz, wanted)
    mixed = GeoSearch().refine(strided, single).poses.xyz
    assert mixed.dtype == torch.float64
    torch.testing.assert_close(mixed, wanted, rtol=1e-3, atol=1)


def test_batches_that_do_not_match_are_refused() -> None:
    poses, keypoints, _ = filmed(4)
    with pytest.raises(ValueError, match="3 poses but keypoints of 4"):
        GeoSearch().refine(poses.rows(slice(0, 3)), keypoints)
    hand = Skeleton("HAND", ("pelvis", "thumb"), (-1, 0))
    with pytest.raises(ValueError, match=r"found 1: poses have pelvis, thumb; keypoints of H36M_17"):
        GeoSearch().refine(pose_of(torch.zeros(4, 2, 3), hand), keypoints)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"objective": "square"}, "objective: wanted one of sq, quartic, l1, found 'square'"),
        ({"align": "hips"}, "align: wanted one of root, mean, literal"),
        ({"low_mm": 5, "high_mm": 4}, "wanted 0 <= low_mm <= high_mm, found 5 and 4"),
        ({"low_mm": -1}, "found -1"),
        ({"backend": "tpu"}, "backend: wanted one of auto, cpu, cuda"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GeoSearch(**parameters)  # type: ignore[arg-type]


def test_the_entry_builds_what_it_promises() -> None:
    registries = load_registries()
    for objective, align in product(OBJECTIVES, ("root", "mean", "literal")):
        built = registries.refiners.component("geosearch", {"objective": objective, "align": align}).build()
        assert isinstance(built, Refiner)
    entry = registries.refiners["geosearch"]
    assert all(p.help and len(p.help) < 100 for p in entry.parameters.values())
    with pytest.raises(WrongParameter, match="did you mean align"):
        registries.refiners.parse("geosearch:aligned=root")


def test_listing_it_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, benchsuite_refiners as r; r.benchsuite_refiners(); print({'torch', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
