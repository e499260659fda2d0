"""An unfinished run on disk, so that one that was killed can go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn


class TrainingStopped(RuntimeError):
    """Training cannot go on; what was good before is kept."""


class Resume:
    """An unfinished run: tensors and plain values only, so reading it back executes nothing."""

    def __init__(self, out: Path, network: nn.Module, plan: str) -> None:
        """
        Args:
            out: the weights file the run will end in; the unfinished run lies beside it.
            network: whose tensors are kept.
            plan: everything that decides the result; a run of another plan is not gone on with.
        """
        self.path = out.with_name(out.name + ".resume")
        self.network = network
        self.plan = plan

    def load(self) -> dict[str, Any]:
        start: dict[str, Any] = {"stage": 0, "step": 0, "history": {}, "running": None}
        if not self.path.is_file():
            return start
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            stray = {*start, "plan", "network"} - state.keys()
        except Exception as error:  # torch raises whatever the bytes lead it to
            raise TrainingStopped(
                f"{self.path}: wanted an unfinished run, found {type(error).__name__}; delete it"
            ) from None
        if stray:
            raise TrainingStopped(
                f"{self.path}: wanted an unfinished run, found no {', '.join(sorted(stray))}; delete it"
            )
        if state["plan"] != self.plan:
            raise TrainingStopped(
                f"{self.path} is an unfinished run of another plan; wanted {self.plan}, found {state['plan']}; "
                "delete it or write to another file"
            )
        try:
            self.network.load_state_dict(state["network"])
        except (RuntimeError, TypeError, AttributeError) as error:
            raise TrainingStopped(f"{self.path}: wanted this network's weights; delete it: {error}") from None
        return state

    def save(self, stage: int, step: int, history: dict[str, Any], running: dict[str, Any] | None) -> None:
        """Keep the network as it is.

        Args:
            stage: which is the next to be trained.
            step: of the stage, the next one.
            history: what became of the stages before.
            running: all else that the stage needs to go on, if it has begun.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".partial")
        state = {
            "plan": self.plan,
            "network": self.network.state_dict(),
            "stage": stage,
            "step": step,
            "history": history,
            "running": running,
        }
        torch.save(state, partial)
        os.replace(partial, self.path)

    def kept(self) -> str:
        return f"{self.path} holds the last good state" if self.path.is_file() else "nothing had been saved yet"

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
