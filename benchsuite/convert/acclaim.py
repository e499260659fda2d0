"""Acclaim's pair of files: a skeleton (ASF) and a motion of it (AMC)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchsuite.convert.motion import (
    MOST_DIGITS,
    Floats,
    Motion,
    MotionFormatError,
    accumulate,
    parse_numbers,
    read_lines,
    rotation,
    shown,
)

AMC_FPS = 120.0
"""An AMC file says nothing of its rate; CMU's are of 120 frames a second."""


@dataclass
class Bone:
    """One bone, or the root, which is a point that turns.

    Attributes:
        name: Its name; a point of a motion by that name is the bone's END (of the root: its position).
        parent: Index of the bone it starts from; -1 for the root.
        offset: (3,) from start to end in the rest pose, in the file's unit; of the root: its position.
        axes: Order of ``axis``, first turn first, such as ``xyz``.
        axis: (3,) angles of the bone's own axes against the world's, in the order of ``axes``; in the file's unit.
        channels: What an AMC line of it holds, in order: ``rx`` turns about x, ``tx`` moves along x (root alone).
    """

    name: str
    parent: int = -1
    offset: Floats = field(default_factory=lambda: np.zeros(3))
    axes: str = "xyz"
    axis: Floats = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Acclaim:
    """A skeleton as an ASF file describes it.

    Attributes:
        bones: The root, then the bones, parents before children.
        length_unit: The file's ``length``: a value divided by it is in inches (CMU: 0.45).
        degrees: Whether angles are in degrees; in radians where not.
    """

    bones: tuple[Bone, ...]
    length_unit: float
    degrees: bool


def read_asf(path: Path) -> Acclaim:
    """The skeleton of an ASF file.

    Args:
        path: The file.

    Raises:
        MotionFormatError: The file is no ASF, is cut short, or its bones hang together in no one tree.
        OSError: The file does not open.
    """
    bones = {"root": Bone("root")}
    parents: dict[str, str] = {}
    length_unit, degrees = 1.0, True
    section, line = "", 1
    lines = _Lines(path)
    for line, words in lines:
        key, rest = words[0].lower(), words[1:]
        if key.startswith(":"):
            section = key
        elif section == ":units" and key == "length":
            (length_unit,) = parse_numbers(path, line, rest, 1, "length unit")
        elif section == ":units" and key == "angle":
            degrees = _one_of(path, line, rest[:1], ("deg", "rad")) == "deg"
        elif section == ":root":
            _root(path, line, key, rest, bones["root"])
        elif section == ":bonedata":
            _one_of(path, line, words[:1], ("begin",))
            bone = _bone(lines, line)
            if bone.name in bones:
                raise MotionFormatError(path, lines.line, "each bone once", f"{bone.name!r} again")
            bones[bone.name] = bone
        elif section == ":hierarchy" and key not in ("begin", "end"):
            for name in words:
                if name not in bones:
                    raise MotionFormatError(path, line, "names of bones", repr(name))
            for name in words[1:]:
                if name in parents or name == "root":
                    raise MotionFormatError(path, line, "one parent a bone", f"another of {name!r}")
                parents[name] = words[0]
    if len(bones) == 1:
        raise MotionFormatError(path, line, "bones in a section :bonedata", "none")
    ordered = _parents_first(path, line, bones, parents)
    return Acclaim(ordered, length_unit, degrees)


def read_amc(path: Path, skeleton: Acclaim, fps: float = AMC_FPS) -> Motion:
    """The motion of an AMC file: the root and the END of every bone, named after the bone.

    Args:
        path: The file.
        skeleton: What its ASF says.
        fps: Frames a second, which the file does not tell.

    Returns:
        Positions (T, N, 3) in the unit and axes of the ASF.

    Raises:
        MotionFormatError: The file is no AMC, is cut short within a frame, or has a bone or number too many, too few
            or not finite. (The format says no number of frames: a file cut between two frames reads as a short one.)
        OSError: The file does not open.
    """
    counts = {bone.name: len(bone.channels) for bone in skeleton.bones if bone.channels}
    columns: dict[str, list[float]] = {name: [] for name in counts}
    degrees = skeleton.degrees
    frames, number, missing = 0, 0, 0
    lines = _Lines(path)
    for line, words in lines:
        name = words[0]
        if name in counts:
            count = counts[name]
            column = columns[name]
            if len(column) != (frames - 1) * count:
                found = f"{name!r} {'again' if frames else 'before the first frame'}"
                raise MotionFormatError(path, line, "each bone once a frame", found)
            column += parse_numbers(path, line, words[1:], count, f"{name} of frame {number}")
            missing -= 1
        elif len(words) == 1 and name.isdecimal() and len(name) <= MOST_DIGITS:
            if missing or (frames and int(name) != number + 1):
                wanted = f"{missing} more bones of frame {number}" if missing else f"frame {number + 1}"
                raise MotionFormatError(path, line, wanted, f"frame {name}")
            frames, number, missing = frames + 1, int(name), len(counts)
        elif name.startswith(":") and not frames:
            degrees = {":DEGREES": True, ":RADIANS": False}.get(name.upper(), degrees)
        else:
            raise MotionFormatError(path, line, "a frame's number or a bone of the skeleton", shown(" ".join(words)))
    if missing or not frames:
        wanted = f"{missing} more bones of frame {number}" if frames else "frames"
        raise MotionFormatError(path, lines.line, wanted, "the end of the file")
    values = {name: np.array(column).reshape(frames, counts[name]) for name, column in columns.items()}
    return Motion(tuple(bone.name for bone in skeleton.bones), _positions(skeleton, values, degrees, frames), fps)


class _Lines:
    """The lines that say something, each as (number, words)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 1  # of the line that came last
        self._lines = iter(enumerate(read_lines(path), 1))

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for number, text in self._lines:
            words = text.split()
            if words and not words[0].startswith("#"):
                self.line = number
                yield number, words


def _one_of(path: Path, line: int, words: list[str], wanted: tuple[str, ...]) -> str:
    if not words or words[0].lower() not in wanted:
        raise MotionFormatError(path, line, " or ".join(wanted), shown(" ".join(words)))
    return words[0].lower()


def _axis_order(path: Path, line: int, word: str) -> str:
    if sorted(word.lower()) != ["x", "y", "z"]:
        raise MotionFormatError(path, line, "an order of axes such as XYZ", shown(word))
    return word.lower()


def _channels(path: Path, line: int, words: list[str], kinds: str) -> tuple[str, ...]:
    channels = tuple(word.lower() for word in words)
    known = {kind + axis for kind in kinds for axis in "xyz"}
    if not known.issuperset(channels) or len(set(channels)) != len(channels):
        raise MotionFormatError(path, line, f"each once of {' '.join(sorted(known))}", shown(" ".join(words)))
    return channels


def _root(path: Path, line: int, key: str, rest: list[str], root: Bone) -> None:
    if key == "order":
        root.channels = _channels(path, line, rest, "tr")
    elif key == "axis":
        root.axes = _axis_order(path, line, " ".join(rest))
    elif key == "position":
        root.offset = np.array(parse_numbers(path, line, rest, 3, "position of the root"))
    elif key == "orientation":
        root.axis = np.array(parse_numbers(path, line, rest, 3, "orientation of the root"))


def _bone(lines: _Lines, begun: int) -> Bone:
    """The bone whose ``begin`` stood on line ``begun``."""
    path, bone = lines.path, Bone("")
    direction, length = np.zeros(3), -1.0
    for line, words in lines:
        key, rest = words[0].lower(), words[1:]
        if key == "name":
            bone.name = " ".join(rest)
        elif key == "direction":
            direction = np.array(parse_numbers(path, line, rest, 3, "direction"))
        elif key == "length":
            (length,) = parse_numbers(path, line, rest, 1, "length")
        elif key == "axis":
            bone.axis = np.array(parse_numbers(path, line, rest[:3], 3, "angles of the axes"))
            bone.axes = _axis_order(path, line, " ".join(rest[3:]))
        elif key == "dof":
            bone.channels = _channels(path, line, rest, "r")
        elif key in ("begin", "end") or key.startswith(":"):
            norm = float(np.linalg.norm(direction))
            if key != "end" or not bone.name or length < 0 or norm == 0:
                wanted = f"name, direction, length and end of the bone begun on line {begun}"
                raise MotionFormatError(path, line, wanted, f"{shown(' '.join(words))} without them")
            bone.offset = direction / norm * length
            return bone
    raise MotionFormatError(path, lines.line, f"end of the bone begun on line {begun}", "the end of the file")


def _parents_first(path: Path, line: int, bones: dict[str, Bone], parents: dict[str, str]) -> tuple[Bone, ...]:
    """The bones from the root down, each with the index of its parent."""
    ordered = [bones["root"]]
    children: dict[str, list[str]] = {}
    for name, parent in parents.items():
        children.setdefault(parent, []).append(name)
    for at, bone in enumerate(ordered):  # grows as it goes
        for name in children.get(bone.name, ()):
            bones[name].parent = at
            ordered.append(bones[name])
    loose = set(bones) - {bone.name for bone in ordered}
    if loose:
        wanted = "every bone below the root in :hierarchy"
        raise MotionFormatError(path, line, wanted, f"no way from it to {', '.join(sorted(loose))}")
    return tuple(ordered)


def _positions(skeleton: Acclaim, values: dict[str, Floats], degrees: bool, frames: int) -> Floats:
    """Forward kinematics of all frames at once: positions (T, N, 3).

    A bone turns by its motion as seen in its own axes: C M C^-1 with C from ``axis`` and M from the frame.
    """
    local: list[Floats | None] = []
    for bone in skeleton.bones:
        turns = [k for k, channel in enumerate(bone.channels) if channel[0] == "r"]
        if not turns and bone.parent >= 0:
            local.append(None)
            continue
        # The turn listed first is made first, so it stands rightmost in the product.
        axes = "".join(bone.channels[k][1] for k in reversed(turns))
        angles = values[bone.name][:, turns[::-1]] if turns else np.zeros((frames, 0))
        own = rotation(bone.axes[::-1], _radians(bone.axis[None, ::-1], skeleton.degrees))
        local.append(own @ rotation(axes, _radians(angles, degrees)) @ own.transpose(0, 2, 1))
    world = accumulate([bone.parent for bone in skeleton.bones], local)
    positions = np.empty((frames, len(skeleton.bones), 3))
    root = skeleton.bones[0]
    positions[:, 0] = root.offset
    for k, channel in enumerate(root.channels):
        if channel[0] == "t":
            positions[:, 0, "xyz".index(channel[1])] += values["root"][:, k]
    for k, bone in enumerate(skeleton.bones[1:], 1):
        positions[:, k] = positions[:, bone.parent] + world[k] @ bone.offset
    return positions


def _radians(angles: Floats, degrees: bool) -> Floats:
    return np.deg2rad(angles) if degrees else angles
