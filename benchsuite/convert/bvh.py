"""Biovision's BVH: a skeleton and its motion in one file."""

from __future__ import annotations

import re
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

_CHANNEL = re.compile(r"([XYZ])(position|rotation)", re.IGNORECASE)
_WHOLE_FPS_TOLERANCE = 1e-4
"""Frame times are written in few digits (.0083333); a rate this near a whole number, relatively, is that number."""


@dataclass
class _Node:
    name: str
    parent: int
    is_end: bool = False
    offset: list[float] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)  # "ry": rotation about y; "ty": translation along y
    first_column: int = 0


class _Words:
    """The words of the hierarchy one by one, each with its line."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path = path
        self._words = ((number, word) for number, line in enumerate(lines, 1) for word in line.split())
        self.line = 1  # of the word taken last

    def take(self, *wanted: str) -> str:
        """The next word, which must be one of ``wanted`` in any case where some are given; it comes back as there."""
        where = f"one of {', '.join(wanted)}" if len(wanted) > 1 else (wanted or ("a word",))[0]
        self.line, word = next(self._words, (self.line, ""))
        if not word:
            raise MotionFormatError(self.path, self.line, where, "the end of the file")
        if not wanted:
            return word
        for choice in wanted:
            if word.lower() == choice.lower():
                return choice
        raise MotionFormatError(self.path, self.line, where, shown(word))

    def numbers(self, count: int, what: str) -> list[float]:
        words = [self.take() for _ in range(count)]
        return parse_numbers(self.path, self.line, words, count, what)


def read_bvh(path: Path) -> Motion:
    """The motion of a BVH file: every joint in the file's order, and every end site as ``<its parent>_end``.

    Channels may stand in any order, and in another one at each joint: rotations turn a vector from the last listed to
    the first. Position channels move the root from its offset. At another joint they are refused, for programs
    disagree there whether they replace the offset or add to it.

    Args:
        path: The file. Angles in degrees.

    Returns:
        Positions (T, N, 3) in the file's own unit and axes.

    Raises:
        MotionFormatError: The file is no BVH, is cut short, or has a number too many, too few or not finite.
        OSError: The file does not open.
    """
    lines = read_lines(path)
    words = _Words(path, lines)
    nodes = _hierarchy(words)
    words.take("Frames:")
    frames_line = words.line
    frames = words.take()
    if not frames.isdecimal() or len(frames) > MOST_DIGITS or int(frames) < 1:
        raise MotionFormatError(path, words.line, "a number of frames of 1 or more", shown(frames))
    words.take("Frame")
    words.take("Time:")
    (seconds,) = words.numbers(1, "seconds a frame")
    if seconds <= 0:
        raise MotionFormatError(path, words.line, "seconds a frame above 0", str(seconds))
    values = _values(path, lines, words.line, sum(len(node.channels) for node in nodes), int(frames), frames_line)
    fps = 1 / seconds
    if abs(fps - round(fps)) <= _WHOLE_FPS_TOLERANCE * fps:
        fps = float(round(fps))
    root_turns = values[0, [k for k, channel in enumerate(nodes[0].channels) if channel[0] == "r"]]
    at_rest = root_turns.size > 0 and not root_turns.any()
    return Motion(tuple(node.name for node in nodes), _positions(nodes, values), fps, at_rest)


def _hierarchy(words: _Words) -> list[_Node]:
    """The nodes, parents first, up to and with the word MOTION."""
    words.take("HIERARCHY")
    words.take("ROOT")
    nodes = [_Node(words.take(), -1)]
    names = {nodes[0].name}
    words.take("{")
    open_nodes = [0]
    columns = 0
    while open_nodes:
        node = nodes[open_nodes[-1]]
        choices = ["}"] if node.offset else ["OFFSET"]
        if node.offset and not node.is_end:
            choices += ["JOINT", "End"] if node.channels else ["CHANNELS", "JOINT", "End"]
        word = words.take(*choices)
        if word == "OFFSET":
            node.offset = words.numbers(3, f"offset of {node.name}")
        elif word == "CHANNELS":
            node.channels = _channels(words, node)
            node.first_column = columns
            columns += len(node.channels)
        elif word == "}":
            open_nodes.pop()
        else:
            if word == "End":
                words.take("Site")
            name = words.take() if word == "JOINT" else f"{node.name}_end"
            if name in names:
                raise MotionFormatError(words.path, words.line, "a name of its own for each joint", f"{name!r} again")
            names.add(name)
            nodes.append(_Node(name, open_nodes[-1], is_end=word == "End"))
            open_nodes.append(len(nodes) - 1)
            words.take("{")
    words.take("MOTION")
    return nodes


def _channels(words: _Words, node: _Node) -> list[str]:
    count = words.take()
    if not count.isdecimal() or len(count) > MOST_DIGITS or not 1 <= int(count) <= 6:
        raise MotionFormatError(words.path, words.line, f"1 to 6 channels of {node.name}", shown(count))
    channels: list[str] = []
    for _ in range(int(count)):
        word = words.take()
        match = _CHANNEL.fullmatch(word)
        if match is None:
            raise MotionFormatError(words.path, words.line, "a channel such as Xposition or Zrotation", shown(word))
        kind = "t" if match[2].lower() == "position" else "r"
        if kind == "t" and node.parent >= 0:
            raise MotionFormatError(
                words.path, words.line, "position channels at the root alone", f"one at {node.name}"
            )
        channels.append(kind + match[1].lower())
        if channels.count(channels[-1]) > 1:
            raise MotionFormatError(words.path, words.line, "each channel once", f"{word!r} again at {node.name}")
    return channels


def _values(path: Path, lines: list[str], after: int, channels: int, frames: int, frames_line: int) -> Floats:
    """The channels (frames, channels) on the lines after line ``after``, one line a frame; blank lines do not count."""
    rows: list[list[float]] = []
    last = after
    for number, line in enumerate(lines[after:], after + 1):
        words = line.split()
        if not words:
            continue
        if len(rows) == frames:
            raise MotionFormatError(
                path, number, f"no more than the {frames} frames of line {frames_line}", shown(line)
            )
        rows.append(parse_numbers(path, number, words, channels, f"channels of frame {len(rows) + 1}"))
        last = number
    if len(rows) != frames:
        raise MotionFormatError(path, last, f"the {frames} frames of line {frames_line}", f"{len(rows)} and no more")
    return np.array(rows, dtype=np.float64).reshape(frames, channels)


def _positions(nodes: list[_Node], values: Floats) -> Floats:
    """Forward kinematics of all frames at once: positions (T, N, 3)."""
    local: list[Floats | None] = []
    for node in nodes:
        columns = {c: node.first_column + k for k, c in enumerate(node.channels) if c[0] == "r"}
        turn = rotation("".join(c[1] for c in columns), np.deg2rad(values[:, list(columns.values())]))
        local.append(turn if columns or node.parent < 0 else None)
    world = accumulate([node.parent for node in nodes], local)
    positions = np.empty((len(values), len(nodes), 3))
    positions[:, 0] = nodes[0].offset
    for k, channel in enumerate(nodes[0].channels):
        if channel[0] == "t":
            positions[:, 0, "xyz".index(channel[1])] += values[:, k]
    for k, node in enumerate(nodes[1:], 1):
        positions[:, k] = positions[:, node.parent] + world[node.parent] @ np.array(node.offset)
    return positions
