"""Human3.6M's takes: who does what, what their files are called, and which are known to be odd."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SPLITS: Mapping[str, tuple[str, ...]] = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
SUBJECTS = (*SPLITS["train"], *SPLITS["test"])

ACTIONS = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "Walking",
    "WalkTogether",
)
"""In the order of the papers' tables, which is not that of Human3.6M's own numbers."""

_OTHER_SPELLINGS = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}

_USUAL_NUMBERS = ("1", "")
_NUMBERS = {
    "S1": {"Eating": ("2", ""), "Sitting": ("1", "2"), "SittingDown": ("2", "")},
    "S5": {
        "Directions": ("1", "2"),
        "Discussion": ("2", "3"),
        "Greeting": ("1", "2"),
        "Photo": ("", "2"),
        "SittingDown": ("", "1"),
        "Waiting": ("1", "2"),
    },
    "S6": {"Eating": ("1", "2"), "Photo": ("", "1"), "Posing": ("2", ""), "Sitting": ("1", "2"), "Waiting": ("3", "")},
    "S7": {
        "Phoning": ("2", ""),
        "Photo": ("", "1"),
        "SittingDown": ("", "1"),
        "Waiting": ("1", "2"),
        "Walking": ("1", "2"),
    },
    "S8": {"SittingDown": ("", "1"), "WalkTogether": ("1", "2")},
    "S9": {"Discussion": ("1", "2"), "SittingDown": ("", "1")},
    "S11": {
        "Discussion": ("1", "2"),
        "Greeting": ("2", ""),
        "Phoning": ("3", "2"),
        "SittingDown": ("", "1"),
        "Smoking": ("2", ""),
    },
}
"""What follows the action in the file names of sub-actions 1 and 2, where it is not the usual. From Human3.6M's own
metadata.xml."""


@dataclass(frozen=True)
class Take:
    """One recording.

    Attributes:
        subject: such as ``S9``.
        action: one of ``ACTIONS``.
        number: Human3.6M's number of the sub-action, 1 or 2.
    """

    subject: str
    action: str
    number: int

    def __str__(self) -> str:
        return f"{self.subject}_{self.action}_{self.number}"

    @property
    def file(self) -> str:
        """The name that its files bear, S1's own spellings apart."""
        return f"{self.action} {_numbers(self.subject, self.action)[self.number - 1]}".rstrip()


ALL_TAKES = tuple(Take(subject, action, number) for subject in SUBJECTS for action in ACTIONS for number in (1, 2))

DRIFTING = (Take("S9", "Greeting", 2), Take("S9", "SittingDown", 2), Take("S9", "Waiting", 1))
"""Ground truth that drifts away from the picture."""

UNFILMED, UNFILMED_CAMERA = Take("S11", "Directions", 2), "54138969"
"""There is motion capture of it, but no video by that camera."""


def _numbers(subject: str, action: str) -> tuple[str, str]:
    return _NUMBERS[subject].get(action, _USUAL_NUMBERS)


def find_takes(subject: str, files: Iterable[str]) -> tuple[dict[Take, str], list[str]]:
    """Which take each of a subject's files holds, and a line on each whose name does not say so by itself.

    A file with a number that Human3.6M does not know is the take that the subject's other file of that action leaves
    over; where none or two are left over, the file is left out.

    Args:
        subject: one of ``SUBJECTS``.
        files: names such as ``Walking 1`` or ``TakingPhoto``, without camera and ending; ``_`` may stand for the blank.
    """
    takes: dict[Take, str] = {}
    strange: list[str] = []
    unknown: list[tuple[str, str]] = []
    for file in sorted(files):
        parts = re.fullmatch(r"([A-Za-z]+)(?:[ _](\d))?", file)
        action = _OTHER_SPELLINGS.get(parts[1], parts[1]) if parts else ""
        if parts is None or action not in ACTIONS:
            strange.append(f"{subject}: {file!r} is left out: none of the {len(ACTIONS)} actions")
            continue
        numbers = _numbers(subject, action)
        take = Take(subject, action, numbers.index(parts[2] or "") + 1) if (parts[2] or "") in numbers else None
        if take is None or take in takes:
            unknown.append((file, action))
        else:
            takes[take] = file
    for file, action in unknown:
        both = [Take(subject, action, number) for number in (1, 2)]
        names = " and ".join(repr(take.file) for take in both)
        left = [take for take in both if take not in takes]
        if len(left) == 1:
            takes[left[0]] = file
            strange.append(f"{subject}: {file!r} is taken for {left[0]}: wanted the files {names}")
        else:
            strange.append(f"{subject}: {file!r} is left out: wanted the files {names}")
    return takes, strange
