"""What can be chosen about a conversion of Human3.6M, and what a user should know of the choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from benchsuite.convert.h36m_keypoints import Keypoints
from benchsuite.convert.h36m_takes import ALL_TAKES, DRIFTING, SPLITS, UNFILMED, UNFILMED_CAMERA, Take

FPS = 50.0
_FEW = 4
"""So many missing takes of a subject are listed, more are counted."""


@dataclass(frozen=True)
class Choices:
    """What was asked for.

    Attributes:
        stride: every so manieth of the 50 frames a second.
        keypoints: ``projected`` (the poses through a pinhole), or what the archive calls its own.
        keep_distortion: leave the archive's keypoints behind the lens instead of undoing it.
        exclude_drifting: without the takes whose ground truth drifts, ``DRIFTING``.
        exclude_unfilmed: without the take that one camera did not film, ``UNFILMED``.
    """

    stride: int = 1
    keypoints: str = "projected"
    keep_distortion: bool = False
    exclude_drifting: bool = False
    exclude_unfilmed: bool = False

    @property
    def left_out(self) -> tuple[Take, ...]:
        """Takes that are not wanted."""
        return (*(DRIFTING if self.exclude_drifting else ()), *([UNFILMED] if self.exclude_unfilmed else ()))

    @property
    def words(self) -> str:
        """The choices as the command line spells them."""
        flags = ("keep_distortion", "exclude_drifting", "exclude_unfilmed")
        asked = [f"--{flag.replace('_', '-')}" for flag in flags if getattr(self, flag)]
        return " ".join([f"--stride {self.stride} --keypoints {self.keypoints}", *asked])

    def notes(self, split: str, takes: Collection[Take], detected: Keypoints | None) -> list[str]:
        """What a user should know of a split that holds ``takes`` and the keypoints ``detected``, or projected ones."""
        every = "every frame" if self.stride == 1 else f"1 of every {self.stride} frames"
        notes = [f"{every} of {FPS:.0f} Hz; 17 of 32 joints, camera frame"]
        if detected is None:
            notes.append("2D: the poses through a pinhole, without the lens' distortion")
        else:
            lens = (
                "behind the lens, as they are" if self.keep_distortion else "the lens undone by Human3.6M's own model"
            )
            notes.append(f"2D: {detected.name} of the archive ({detected.layout.name}), {lens}")
        if split == "test":
            fate = "left out" if self.exclude_drifting else "included where the source has them"
            named = ", ".join(f"{take} ({take.file!r})" for take in DRIFTING)
            notes.append(f"the ground truth of {named} drifts: {fate}")
            fate = "left out" if self.exclude_unfilmed else "included where the source has it (VideoPose3D's has not)"
            notes.append(f"{UNFILMED} ({UNFILMED.file!r}) has no video by camera {UNFILMED_CAMERA}: {fate}")
        missing = [t for t in ALL_TAKES if t.subject in SPLITS[split] and t not in takes and t not in self.left_out]
        count = Counter(take.subject for take in missing)
        lacking = [f"{take.subject} {take.file!r}" for take in missing if count[take.subject] <= _FEW]
        lacking += [f"{number} of 30 takes of {subject}" for subject, number in count.items() if number > _FEW]
        return notes + ([f"not in the source: {', '.join(lacking)}"] if lacking else [])
