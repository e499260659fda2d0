"""What a converter says when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """Notes for the user, and what could not be converted.

    Attributes:
        notes: what was written, and every choice a user should know of.
        problems: one line for each file that failed: the file, where, what was wanted and found.
    """

    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
