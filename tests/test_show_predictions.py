"""Pictures of what methods make of people: keypoints on the right pixels, poses in their place, clear refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchsuite_registry.poses import Frame, PoseBatch
from benchsuite_registry.skeletons import H36M_17, MPII_16
from looking import PLUGIN, DotFinder
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from pictured import ABOUT, CLIPS, found_dots, people, photographed, rendered
from shells import PLUGIN as TOYS
from shells import Shell
from toys import TRUTH, toy_dataset

from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import Dataset, in_memory, write_dataset
from benchsuite.pictures.drawing import GHOST_COLOUR
from benchsuite.pictures.portraits import CROP_PX, Portrait, draw_clip, draw_samples, frames_of, portraits

HEAD = MPII_16.index("head_top")


def found(dataset: Dataset, off_mm: float = 0.0) -> PoseBatch:
    """As the pipeline hands it on: keypoints in the dataset's pixels."""
    everybody = slice(0, len(dataset))
    keypoints, poses = DotFinder(off_mm).predict(dataset.images(everybody, DotFinder.size))
    return replace(poses, uv=keypoints.camera.pixels_in(keypoints.uv, dataset.keypoints(everybody).camera))


def lines_of(axes: Axes) -> list[tuple[str, np.ndarray]]:
    return [(to_hex(str(line.get_color())), np.asarray(line.get_xydata())) for line in axes.lines]


def test_keypoints_lie_on_what_they_are_of() -> None:
    """Every dot of the crop that is shown has its keypoint; the crop is not the one that the model saw."""
    dataset = rendered(4)
    for portrait in portraits(dataset, found(dataset)):
        assert portrait.rgb is not None
        assert portrait.rgb.shape == (CROP_PX, CROP_PX, 3)
        uv, skeleton = portrait.found
        assert skeleton is MPII_16
        np.testing.assert_allclose(uv, found_dots(portrait.rgb), atol=1.0)


def test_photographs_are_shown_as_pixels_are(tmp_path: Path) -> None:
    here, there = rendered(3), photographed(tmp_path, 3)
    for one, other in zip(portraits(here, found(here)), portraits(there, found(there)), strict=True):
        assert one.rgb is not None
        assert other.rgb is not None
        np.testing.assert_array_equal(one.rgb, other.rgb)


def test_a_lifter_s_keypoints_are_those_it_was_given() -> None:
    dataset = toy_dataset()
    seen = np.ones((15, 17), dtype=bool)
    seen[:, 4] = False
    dataset = replace(dataset, columns={**dataset.columns, "visible": seen})
    lifted = PoseBatch(TRUTH.repeat(15, 1, 1), Frame.ROOT, H36M_17, torch.arange(15))
    first = portraits(dataset, lifted)[0]
    assert first.rgb is None
    uv, skeleton = first.found
    assert skeleton is H36M_17
    assert np.isnan(uv[4]).all()
    assert np.isfinite(np.delete(uv, 4, axis=0)).all()
    assert first.error_mm == pytest.approx(0.0, abs=1e-3)
    twice_as_large = portraits(dataset, replace(lifted, xyz=lifted.xyz * 2))[0]
    assert twice_as_large.error_mm == pytest.approx(float(TRUTH.norm(dim=1).mean()), rel=1e-5)


def test_the_error_is_that_of_aligned_roots() -> None:
    """All 16 joints where they should be but the head, 160 mm too far away."""
    dataset = rendered(3)
    flat = people(3)["xyz"]
    exact = replace(dataset, columns={**dataset.columns, "xyz": flat * (2000.0 / flat[..., 2:])})
    off = [p.error_mm for p in portraits(exact, found(exact, 160.0))]
    assert off == pytest.approx([10.0] * 3, abs=3.0)  # dots are found within a third of a pixel of 10 mm
    blind = {name: column for name, column in dataset.columns.items() if name != "xyz"}
    (first, *_) = portraits(replace(dataset, columns=blind), found(dataset))
    assert np.isnan(first.error_mm)
    assert first.true is None


def standing(**clip: tuple[float, ...]) -> Portrait:
    dataset = toy_dataset()
    clips = (replace(dataset.clips[0], **clip), *dataset.clips[1:])  # type: ignore[arg-type]
    lifted = PoseBatch(TRUTH.repeat(15, 1, 1), Frame.ROOT, H36M_17, torch.arange(15))
    return portraits(replace(dataset, clips=clips), lifted)[0]


def test_people_stand_where_they_are_and_else_on_the_floor() -> None:
    level = standing()
    assert level.pose is not None
    assert level.true is not None
    world, _ = level.pose
    assert world[:, 2].min() == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(world[:, 2], TRUTH[:, 1].max() - TRUTH[:, 1], atol=1e-3)
    np.testing.assert_allclose(world, level.true[0], atol=1e-2)
    # a camera that looks along -y from y = 9000, 1.5 m up: the person, 4 m before it, is at y = 5000
    turned = (-1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, -1.0, 0.0)
    placed = standing(rotation=turned, position=(0.0, 9000.0, 1500.0))
    assert placed.pose is not None
    np.testing.assert_allclose(placed.pose[0][0], (0.0, 5000.0, 1500.0), atol=1e-2)
    assert placed.looks == pytest.approx(-np.pi / 2)


def test_the_new_side_shows_depth() -> None:
    """A forearm of 1 m towards the camera is hardly wide from the front, and 0.77 m wide from 50 degrees aside."""
    dataset = toy_dataset().some(np.array([0]))
    xyz = TRUTH[None].clone()
    hand = H36M_17.index("r_wrist")
    xyz[0, hand] = xyz[0, hand - 1] + torch.tensor((0.0, 0.0, -1000.0))
    poses = {"reaching": PoseBatch(xyz, Frame.ROOT, H36M_17, torch.tensor([0]))}
    without = replace(dataset, columns={k: v for k, v in dataset.columns.items() if k != "xyz"})

    def width(axes: Axes) -> float:
        """Of the right side's widest bone on the picture."""
        arms = [xy for colour, xy in lines_of(axes) if colour == "#2b6cb8"]
        return float(max(abs(xy[1, 0] - xy[0, 0]) for xy in arms))

    front = draw_clip(without, poses).axes[1]
    aside = draw_samples(without, poses).axes[1]
    assert width(front) < 300.0
    assert width(aside) == pytest.approx(1000 * np.sin(np.radians(50.0)), abs=1.0)


def test_a_sheet_has_a_column_a_sample_and_the_truth_in_grey() -> None:
    dataset = rendered(3)
    figure = draw_samples(dataset, {"dots": found(dataset), "dots off": found(dataset, 160.0)})
    assert len(figure.axes) == 3 * (1 + 2 + 2)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["spots"] * 3
    labels = [axes.texts[-1].get_text() for axes in figure.axes[::3]]
    assert labels == ["", "dots\n2D", "dots\nfrom another side", "dots off\n2D", "dots off\nfrom another side"]
    assert len(figure.axes[0].images) == len(figure.axes[3].images) == 1
    assert not figure.axes[0].lines
    colours = [colour for colour, _ in lines_of(figure.axes[6])]
    assert colours.count(GHOST_COLOUR) == len(MPII_16.bones)
    assert figure.axes[6].texts[0].get_text().endswith(" mm")
    strip = draw_clip(dataset, {"dots": found(dataset)})
    assert [axes.get_title() for axes in strip.axes[:3]] == ["frame 3", "frame 4", "frame 5"]
    assert [axes.texts[-1].get_text() for axes in strip.axes[::3]] == ["dots\n2D", "dots\nfront", "dots\ntop"]
    assert [colour for colour, _ in lines_of(strip.axes[6])].count(GHOST_COLOUR) == len(MPII_16.bones)


def test_what_is_not_there_is_not_drawn() -> None:
    dataset = rendered(2)
    poses = found(dataset)
    poses.xyz[0] = torch.nan
    poses.xyz[1, MPII_16.index("r_wrist")] = torch.nan
    assert poses.uv is not None
    poses.uv[0, 3] = torch.nan
    for draw in (draw_samples, draw_clip):
        figure = draw(dataset, {"dots": poses})
        figure.canvas.draw()
        lost, rest = figure.axes[-2:]
        assert lost.texts[0].get_text() == "no pose"
        assert not lost.lines
        assert [c for c, _ in lines_of(rest) if c in ("#d1352b", "#2b6cb8")] != []


def test_frames_are_spread_over_a_clip() -> None:
    dataset = toy_dataset()
    assert frames_of(dataset, "clip-1", 3).tolist() == [5, 7, 9]
    assert frames_of(dataset, "clip-2", 99).tolist() == [10, 11, 12, 13, 14]
    with pytest.raises(
        WrongDataset, match="dataset toy has no frames of a clip 'clip-9'; it has clip-0, clip-1, clip-2"
    ):
        frames_of(dataset, "clip-9", 3)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    made = rendered(5)
    write_dataset(tmp_path / "spots", ABOUT, made.columns, CLIPS)
    return Shell(tmp_path, capsys)


def shown(shell: Shell, *words: str) -> int:
    return shell("show", "-o", "x.png", "--plugin", PLUGIN, "--plugin", TOYS, *words)


def test_the_command_draws_image_models_and_lifters(shell: Shell) -> None:
    assert shown(shell, "spots", "--image-model", "dots", "--rows", "3,0") == 0
    assert shell.err == "x.png: dots on rows 0, 3 of spots\n"
    before = (shell.folder / "x.png").read_bytes()
    assert shown(shell, "spots", "--image-model", "dots", "--rows", "0,3") == 0
    assert (shell.folder / "x.png").read_bytes() == before
    assert shown(shell, "spots", "--image-model", "dots", "--refiner", "none", "--refiner", "geosearch") == 0
    assert shell.err == "x.png: dots, dots+geosearch on rows 0, 1, 2, 3, 4 of spots\n"
    assert shown(shell, "toy", "--lifter", "toy:off_mm=9", "--clip", "clip-1", "--count", "2") == 0
    assert shell.err == "x.png: toy:off_mm=9.0 on rows 5, 9 of toy\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["toy", "--image-model", "dots"],
            "dataset toy has no pictures (column 'image' or 'rgb'), which image model dot",
        ),
        (["spots", "--image-model", "dogs"], "unknown image model 'dogs'; did you mean dots?"),
        (["spots", "--image-model", "dots", "--rows", "2,5"], "--rows: wanted rows of 5 samples, found 5"),
        (["spots", "--image-model", "dots", "--clip", "spot"], "has no frames of a clip 'spot'; it has spots"),
        (["spots", "--image-model", "dots", "--rows", "2,x"], "wanted a whole number of 0 or more, found 'x'"),
        (["spots", "--image-model", "dots", "--rows", "1", "--clip", "spots"], "not allowed with argument"),
        (["toy", "--clip", "clip-0"], "--rows, --clip and --count want an --image-model or a --lifter"),
        (["toy", "--refiner", "geosearch"], "--refiner wants an --image-model or a --lifter"),
        (["toy", "--lifter", "toy-clips"], "toy-clips needs whole clips; a picture shows but some of their frames"),
        (
            ["toy", "--lifter", "toy:does=raises"],
            "toy:does=raises on toy: ValueError: lifter toy:does=raises: no | today",
        ),
    ],
)
def test_the_command_refuses(shell: Shell, words: list[str], said: str) -> None:
    assert shown(shell, *words) == 2
    assert said in shell.err
    assert not (shell.folder / "x.png").exists()


def test_the_command_draws_poses_that_are_lost(shell: Shell) -> None:
    assert shown(shell, "spots", "--image-model", "dots:lost=true") == 0


def test_an_empty_dataset_is_refused(shell: Shell) -> None:
    made = rendered(1)
    none = {name: column[:0] for name, column in made.columns.items()}
    write_dataset(shell.folder / "none", ABOUT, none, CLIPS)
    assert in_memory(ABOUT, none, CLIPS, "none").has_images
    assert shown(shell, "none", "--image-model", "dots") == 2
    assert "dataset none has no samples" in shell.err
