"""The action classifier: windows of consecutive frames through a fully connected network, and their vote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Frames = NDArray[np.float32]
Rows = NDArray[np.int64]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Clips:
    """Where each of C clips lies in a column of frames, and what is done in it.

    Attributes:
        first: (C,) row of its first frame.
        last: (C,) row of its last frame.
        action: (C,) code of its action.
    """

    first: Rows
    last: Rows
    action: Rows

    def __len__(self) -> int:
        return len(self.first)

    def of(self, which: NDArray[np.bool_]) -> Clips:
        """The clips that ``which`` (C,) picks."""
        return Clips(self.first[which], self.last[which], self.action[which])

    def windows(self, clip: Rows, start: Rows, length: int) -> Rows:
        """Rows (K, length) of windows; where a clip ends too soon, its last frame is repeated.

        Args:
            clip: (K,) whose window.
            start: (K,) frames to leave out at its beginning.
            length: frames of a window.
        """
        rows = (self.first[clip] + start)[:, None] + np.arange(length)
        within: Rows = np.minimum(rows, self.last[clip, None])
        return within

    def spare(self, length: int) -> Rows:
        """Where the last window of each clip (C,) starts."""
        spare: Rows = np.maximum(self.last - self.first + 1 - length, 0)
        return spare

    def every_window(self, length: int, stride: int) -> tuple[Rows, Rows]:
        """Clip (K,) and rows (K, length) of windows ``stride`` apart, a clip's last one always among them."""
        spare = self.spare(length)
        count = -(-spare // stride) + 1
        clip = np.repeat(np.arange(len(self)), count)
        number = np.arange(len(clip)) - np.repeat(np.cumsum(count) - count, count)
        return clip, self.windows(clip, np.minimum(number * stride, spare[clip]), length)


def vote(probabilities: Probabilities, clip: Rows, clips: int) -> Rows:
    """The action (``clips``,) whose probability, averaged over a clip's windows, is greatest.

    Args:
        probabilities: (K, A) of each window.
        clip: (K,) the window's clip.
        clips: how many there are, each with a window.
    """
    total = np.stack([np.bincount(clip, weights=column, minlength=clips) for column in probabilities.T], axis=1)
    found: Rows = total.argmax(axis=1)  # the sum is greatest where the mean is
    return found


@dataclass(frozen=True)
class Training:
    """How a classifier comes about.

    Attributes:
        kind: ``mlp``, the fully connected network, or ``linear``, a logistic regression.
        window: frames it sees at once.
        hidden: sizes of the network's hidden layers.
        epochs: each takes one random window of every training clip.
    """

    kind: Literal["mlp", "linear"] = "mlp"
    window: int = 25
    hidden: tuple[int, ...] = (1024, 512)
    epochs: int = 60

    def classifier(self, frames: Frames, clips: Clips, seed: int) -> Callable[[Rows], Probabilities]:
        """Probabilities (K, A) of the A actions, for windows given by their rows (K, window).

        Args:
            frames: (N, D), one row a frame.
            clips: what to learn from; every action is done in one of them at least.
            seed: of windows, weights and dropout. The same seed gives the same classifier.
        """
        fit = _fit_mlp if self.kind == "mlp" else _fit_linear
        # evaluators are called in inference mode, in which nothing can be trained
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return fit(self, frames, clips, np.random.default_rng(seed))


BATCH, LEARNING_RATE, DROPOUT = 128, 1e-3, 0.5
WINDOWS_A_CLIP = 5
"""How many the logistic regression sees of each."""


def _fit_mlp(
    training: Training, frames: Frames, clips: Clips, rng: np.random.Generator
) -> Callable[[Rows], Probabilities]:
    """Adam on cross-entropy, the learning rate falling to zero along a cosine."""
    sizes = (training.window * frames.shape[1], *training.hidden)
    layers = [
        layer
        for size, following in zip(sizes, training.hidden, strict=False)
        for layer in (nn.Linear(size, following), nn.BatchNorm1d(following), nn.ReLU(), nn.Dropout(DROPOUT))
    ]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], int(clips.action.max()) + 1))
    inputs, action, spare = torch.from_numpy(frames), torch.from_numpy(clips.action), clips.spare(training.window)
    batches = max(1, len(clips) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, training.epochs * batches)
    for _ in range(training.epochs):
        for clip in np.array_split(rng.permutation(len(clips)), batches):
            rows = clips.windows(clip, rng.integers(spare[clip] + 1), training.window)
            loss = nn.functional.cross_entropy(network(inputs[rows].flatten(1)), action[clip])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    network.eval()

    def probabilities(rows: Rows) -> Probabilities:
        parts = np.array_split(rows, len(rows) // 1024 + 1)
        with torch.inference_mode():
            return torch.cat([network(inputs[p].flatten(1)).softmax(dim=1) for p in parts]).double().numpy()

    return probabilities


def _fit_linear(
    training: Training, frames: Frames, clips: Clips, rng: np.random.Generator
) -> Callable[[Rows], Probabilities]:
    from sklearn.linear_model import LogisticRegression

    clip = np.repeat(np.arange(len(clips)), WINDOWS_A_CLIP)
    rows = clips.windows(clip, rng.integers(clips.spare(training.window)[clip] + 1), training.window)
    model = LogisticRegression(max_iter=300).fit(frames[rows].reshape(len(rows), -1), clips.action[clip])

    def probabilities(rows: Rows) -> Probabilities:
        found: Probabilities = model.predict_proba(frames[rows].reshape(len(rows), -1))
        return found

    return probabilities
