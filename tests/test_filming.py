"""Virtual cameras: where they stand, how they are held, what they see."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchsuite.filming import VirtualCameras, look_at, place_cameras

Array = NDArray[np.float64]

H36M = {
    54138969: (1145.0494384765625, 1143.7811279296875, 512.54150390625, 515.4514770507812),
    55011271: (1149.6756591796875, 1147.5916748046875, 508.8486328125, 508.0649108886719),
    58860488: (1149.1407470703125, 1148.7989501953125, 519.8158569335938, 501.40264892578125),
    60457274: (1145.5113525390625, 1144.77392578125, 514.9682006835938, 501.88201904296875),
}
"""fx, fy, cx, cy in px of Human3.6M's cameras, from the literature's table, not from the code."""


def targets(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform((-4000, -4000, 700), (4000, 4000, 1100), (count, 3))


@pytest.fixture
def cameras() -> VirtualCameras:
    return place_cameras(np.random.default_rng(1), targets(500))


def test_rotations_are_proper(cameras: VirtualCameras) -> None:
    product = cameras.rotation @ cameras.rotation.transpose(0, 2, 1)
    assert np.abs(product - np.eye(3)).max() <= 1e-12
    assert np.linalg.det(cameras.rotation) == pytest.approx(np.ones(500), abs=1e-12)


def test_the_horizon_is_level_and_up_is_up(cameras: VirtualCameras) -> None:
    right, down, forward = cameras.rotation.transpose(1, 0, 2)
    assert np.abs(right[:, 2]).max() <= 1e-15
    assert down[:, 2].max() < -0.5  # the camera's Y points to the floor
    assert np.abs(forward[:, 2]).max() < 0.5


def test_cameras_stand_3_to_7_m_off_at_a_person_s_height(cameras: VirtualCameras) -> None:
    along_the_floor = np.linalg.norm((cameras.position - targets(500))[:, :2], axis=1)
    assert along_the_floor.min() >= 3000
    assert along_the_floor.max() <= 7000
    assert along_the_floor.min() < 3100  # the whole range is used
    assert along_the_floor.max() > 6900
    assert (cameras.position[:, 2] >= 1200).all()
    assert (cameras.position[:, 2] <= 1900).all()


def test_intrinsics_are_those_of_human36m_s_four_cameras(cameras: VirtualCameras) -> None:
    found = set(map(tuple, np.hstack((cameras.focal, cameras.center)).tolist()))
    assert found == set(H36M.values())


def test_headings_say_from_which_side() -> None:
    quarters = np.array([0.0, 0.5, 1.0, 1.5]) * np.pi
    placed = place_cameras(np.random.default_rng(0), np.zeros((4, 3)), headings=quarters)
    x, y = placed.position[:, 0], placed.position[:, 1]
    assert x[0] >= 3000
    assert y[1] >= 3000
    assert x[2] <= -3000
    assert y[3] <= -3000
    assert np.abs((y[0], x[1], y[2], x[3])).max() <= 1e-9


def test_the_same_seed_places_the_same_cameras() -> None:
    one, two, other = (place_cameras(np.random.default_rng(s), targets(9)) for s in (3, 3, 4))
    assert np.array_equal(one.rotation, two.rotation)
    assert np.array_equal(one.position, two.position)
    assert not np.array_equal(one.position, other.position)


def test_a_camera_looks_where_it_is_told() -> None:
    generator = np.random.default_rng(2)
    position, aim = generator.uniform(-5000, 5000, (2, 100, 3))
    rotation = look_at(position, aim)
    seen = np.einsum("cij,cj->ci", rotation, aim - position)
    distance = np.linalg.norm(aim - position, axis=1)
    assert np.abs(seen[:, :2]).max() <= 1e-9
    assert seen[:, 2] == pytest.approx(distance, abs=1e-9)


def test_look_at_by_hand() -> None:
    # A camera 4 m along y looks back at the origin: ahead is -y, its right is -x, down is -z.
    (rotation,) = look_at(np.array([[0.0, 4000.0, 0.0]]), np.zeros((1, 3)))
    assert np.abs(rotation - [[-1, 0, 0], [0, 0, -1], [0, -1, 0]]).max() <= 1e-15


def test_a_view_by_hand() -> None:
    rotation = look_at(np.array([[0.0, 4000.0, 0.0]]), np.zeros((1, 3)))
    camera = VirtualCameras(
        rotation, np.array([[0.0, 4000.0, 0.0]]), np.array([[1000.0, 2000.0]]), np.array([[500, 400.0]])
    )
    seen = camera.see(np.array([[[100.0, 0.0, 50.0]]]))  # 100 mm to the camera's left, 50 mm up
    assert np.abs(seen - [[[-100, -50, 4000]]]).max() <= 1e-12
    assert camera.project(seen)[0, 0] == pytest.approx([475.0, 375.0], abs=1e-12)


@pytest.mark.parametrize("shape", [(), (17,), (5, 17)])
def test_world_to_camera_and_back(cameras: VirtualCameras, shape: tuple[int, ...]) -> None:
    world = np.random.default_rng(5).uniform(-3000, 3000, (500, *shape, 3))
    seen = cameras.see(world)
    assert seen.shape == world.shape
    back = np.einsum("cji,c...j->c...i", cameras.rotation, seen)
    back += cameras.position.reshape(500, *(1,) * len(shape), 3)
    assert np.abs(back - world).max() <= 1e-9


def test_one_camera_alone_sees_what_it_saw_among_others(cameras: VirtualCameras) -> None:
    world = targets(500, seed=7)[:, None]
    alone = cameras.only(41)
    assert len(alone) == 1
    uv = cameras.project(cameras.see(world))
    assert alone.project(alone.see(world[41:42])) == pytest.approx(uv[41:42], abs=1e-9)
