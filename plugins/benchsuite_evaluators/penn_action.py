"""Penn Action: what is done in a clip, told from predicted poses alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Category, Labels, PoseBatch, Target
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.statistics import ClipSums
from benchsuite_evaluators.penn_classifier import Clips, Frames, Rows, Training, vote
from benchsuite_evaluators.reading import check_samples, complete, in_unit, read_joints, read_pixels

HEADLINE = "clip accuracy"


class PennAction:
    """Accuracy of an action classifier that is trained on the predicted poses of the training clips, in %.

    The classifier sees 25 consecutive frames of 16 joints, 1200 numbers: each pose relative to its root and divided by
    the clip's median sum of bone lengths. It is trained on random windows of the training clips; of a test clip it sees
    windows 5 frames apart, the last one always among them, and the action with the greatest mean probability is its
    answer. A clip that is shorter than a window goes on with its last frame; such clips are counted. All accuracies
    are means over ``seeds`` trainings.

    Controls say what the third dimension is worth: chance, the most frequent action of the training clips, the same
    classifier on the 2D keypoints that the method was given (the same 16 joints, as far as they are visible; the others
    stand at the root) and on its poses with every depth set to zero. Which joints are visible tells something of the
    action too, and every method sees that.

    A joint that is not finite stands at the root; frames with one are counted as ``undefined``.

    Args:
        classifier: ``mlp``, fully connected, or ``linear``, a logistic regression.
        seeds: how many classifiers are trained, with seeds 0, 1, ...
        epochs: each takes one random window of every training clip.
        hidden: sizes of the hidden layers.
        window: frames that the classifier sees.
        stride: frames between the windows of a test clip.
        controls: train the two controls too, which takes three times as long.
        bootstrap: how many sets of test clips are drawn for each 95 % interval; 0 for none.

    Raises:
        ValueError: a parameter is out of its range.

    Source: Sec. 4.4 ("25 consecutive frames", "multiple fully connected layers"), Figure 6.
    Deviation: the layers stand in a supplement that is lost; 1024 and 512 units with batch norm, ReLU and dropout, Adam
        and the normalisation are ours. The paper's "mean accuracy across the splits" is read as the accuracy on the
        one split there is.
    """

    def __init__(
        self,
        classifier: Literal["mlp", "linear"] = "mlp",
        seeds: int = 3,
        epochs: int = 60,
        hidden: str = "1024x512",
        window: int = 25,
        stride: int = 5,
        controls: bool = True,
        bootstrap: int = 1000,
    ) -> None:
        for name, value in (("seeds", seeds), ("epochs", epochs), ("window", window), ("stride", stride)):
            if value < 1:
                raise ValueError(f"penn-action: {name}: wanted 1 or more, found {value}")
        if bootstrap < 0:
            raise ValueError(f"penn-action: bootstrap: wanted 0 draws or more, found {bootstrap}")
        sizes = hidden.split("x")
        if not all(size.isdecimal() and int(size) for size in sizes):
            raise ValueError(f"penn-action: hidden: wanted sizes such as 1024x512, found {hidden!r}")
        self._training = Training(classifier, window, tuple(map(int, sizes)), epochs)
        self._seeds, self._stride, self._controls, self._bootstrap = seeds, stride, controls, bootstrap

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """Of each sample: the pose in ``H36M_17``, the root at the origin; its keypoints likewise; its frame.

        Raises:
            ValueError: the poses are not those of the target's samples, or a skeleton lacks a joint; names it.
        """
        check_samples("penn-action", poses, target)
        if target.keypoints is None:
            raise ValueError("penn-action: wanted the keypoints that the poses were made of, found none")
        given = target.keypoints
        pose = read_joints("penn-action", "predicted", poses, H36M_17, H36M_17.joints)
        seen = torch.where(given.visible[..., None], given.uv.double(), torch.nan)
        pixels = read_pixels(seen, given.skeleton, H36M_17)
        root = pixels[:, H36M_17.root_index, None]
        root = torch.where(root.isfinite(), root, pixels.nanmean(dim=1, keepdim=True))  # a hip may be hidden
        return {
            "pose": torch.where(pose.isfinite(), pose, torch.nan).float().cpu().numpy(),
            "pixels": (pixels - root).float().cpu().numpy(),
            "frame": given.frame.cpu().numpy().copy(),
            "undefined": ~complete(pose).cpu().numpy(),
        }

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """Accuracy by clip, its controls, by window and by action; which actions are taken for which.

        Raises:
            ValueError: there are no clips of both splits, a clip has no action, or a test clip's is not trained for.
        """
        order = np.lexsort((measurements["frame"], labels.clip.codes.cpu().numpy()))
        clips, train, names = _told(labels, order)
        test = clips.of(~train)
        pose = measurements["pose"][order]
        inputs = {HEADLINE: _scaled(pose, clips)}
        if self._controls:
            inputs["2D only"] = _scaled(measurements["pixels"][order], clips)
            # before the scale is taken: bones in three dimensions would give depth away
            inputs["depth set to zero"] = _scaled(pose * np.array((1, 1, 0), dtype=np.float32), clips)
        found = {name: self._answers(name, frames, clips.of(train), test) for name, frames in inputs.items()}
        right = {name: 100.0 * (answers == test.action) for name, (answers, _) in found.items()}
        sums = {name: ClipSums.of(r.mean(axis=0), np.arange(len(test)), test.action) for name, r in right.items()}
        metrics = [self._percent(name, part) for name, part in sums.items()]
        metrics += _without_poses(clips.of(train), test, len(names)) if self._controls else []
        per_class = sums[HEADLINE].over_actions(draws=self._bootstrap)
        metrics.append(in_unit("per-class mean", "%", per_class, higher=True))
        answers, by_window = found[HEADLINE]
        metrics.append(self._percent("window accuracy", by_window))
        if self._seeds > 1:
            spread = float(right[HEADLINE].mean(axis=1).std(ddof=1))
            metrics.append(Metric("sd over seeds", spread, "%", "lower", n=self._seeds))
        for code, part in sums[HEADLINE].by_action().items():
            metrics.append(self._percent(HEADLINE, part, f"action={names[code]}"))
        metrics += _confusions(answers, test.action, names)
        short = int((clips.last - clips.first + 1 < self._training.window).sum())
        metrics.append(Metric("short clips", short, "clips", "lower", n=len(clips)))
        metrics.append(Metric("undefined", int(measurements["undefined"].sum()), "samples", "lower", n=len(pose)))
        return tuple(metrics)

    def _answers(self, name: str, frames: Frames, learnt: Clips, test: Clips) -> tuple[Rows, ClipSums]:
        """What each seed's classifier says of each test clip, (seeds, C), and how many windows are right, in %."""
        from tqdm import trange

        clip, rows = test.every_window(self._training.window, self._stride)
        answers, right = [], []
        for seed in trange(self._seeds, desc=f"training classifiers: {name}", leave=False, disable=None):
            probabilities = self._training.classifier(frames, learnt, seed)(rows)
            answers.append(vote(probabilities, clip, len(test)))
            right.append(probabilities.argmax(axis=1) == test.action[clip])
        return np.stack(answers), ClipSums.of(100.0 * np.mean(right, axis=0), clip)

    def _percent(self, name: str, sums: ClipSums, group: str = "") -> Metric:
        return in_unit(name, "%", sums.over_frames(draws=self._bootstrap), group, higher=True)

    def protocol(self) -> Mapping[str, Scalar]:
        """What an accuracy depends on, the poses apart."""
        training = self._training
        return {
            "protocol": "penn-action",
            "classifier": training.kind,
            "hidden": "x".join(map(str, training.hidden)),
            "epochs": training.epochs,
            "window": training.window,
            "stride": self._stride,
            "joints": len(H36M_17) - 1,
            "alignment": "root of each frame",
            "scale": "median sum of bones of the clip",
            "vote": "mean probability of the windows",
            "average": "clips",
        }


def _told(labels: Labels, order: Rows) -> tuple[Clips, NDArray[np.bool_], tuple[str, ...]]:
    """The clips of rows in ``order``, which of them are to be trained on, and the actions' names."""

    def told(label: Category) -> NDArray[np.str_]:
        names: NDArray[np.str_] = np.array(label.names, dtype=np.str_)[label.codes.cpu().numpy()[order[first]]]
        return names

    clip = labels.clip.codes.cpu().numpy()[order]
    first = np.flatnonzero(np.diff(clip, prepend=-1))
    last = np.append(first[1:], len(clip)) - 1
    split = told(labels.split) if labels.split else np.full(len(first), "")
    if lacking := {"train", "test"} - set(split):
        found = ", ".join(sorted({s or "none" for s in split}))
        raise ValueError(f"penn-action: wanted clips of the splits train and test, found no {lacking.pop()}: {found}")
    used = (split == "train") | (split == "test")
    first, last, split = first[used], last[used], split[used]
    action, train = told(labels.action), split == "train"
    names = np.unique(action[train])
    if len(names) < 2 or "" in action:
        raise ValueError(f"penn-action: wanted clips of several actions, each told, found {', '.join(set(action))!r}")
    if unknown := sorted(set(action) - set(names)):
        raise ValueError(f"penn-action: wanted training clips of every action, found none of {', '.join(unknown)}")
    return Clips(first, last, np.searchsorted(names, action)), train, tuple(map(str, names))


def _scaled(joints: NDArray[np.float32], clips: Clips) -> Frames:
    """What the classifier sees: joints (N, 17, D) but for the root, their unit the clip's median sum of bones."""
    start, end = np.array(H36M_17.bones).T
    size = np.nansum(np.linalg.norm(joints[:, end] - joints[:, start], axis=2), axis=1)
    scale = np.ones(len(joints), dtype=np.float32)
    for first, last in zip(clips.first, clips.last, strict=True):
        scale[first : last + 1] = np.median(size[first : last + 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.delete(joints, H36M_17.root_index, axis=1) / scale[:, None, None]
    seen[~np.isfinite(seen)] = 0.0
    return seen.reshape(len(joints), -1)


def _without_poses(learnt: Clips, test: Clips, actions: int) -> list[Metric]:
    """Accuracies that need no pose."""
    majority = 100.0 * float((test.action == np.bincount(learnt.action).argmax()).mean())
    return [
        Metric("majority class", majority, "%", "higher", n=len(test)),
        Metric("chance", 100.0 / actions, "%", "higher", n=len(test)),
    ]


def _confusions(answers: Rows, true: Rows, names: tuple[str, ...]) -> list[Metric]:
    """Every share, above 0, of an action's clips that is taken for another action, greatest first.

    Args:
        answers: (seeds, C).
        true: (C,).
        names: of the actions.
    """
    from sklearn.metrics import confusion_matrix

    codes = range(len(names))
    seeds = len(answers)
    counts = confusion_matrix(np.tile(true, seeds), answers.ravel(), labels=list(codes))
    clips = np.bincount(true, minlength=len(names))
    return sorted(
        (
            Metric(
                "confusion",
                100.0 * counts[a, b] / (seeds * clips[a]),
                "%",
                "lower",
                f"true={names[a]} predicted={names[b]}",
                n=int(clips[a]),
            )
            for a in codes
            for b in codes
            if a != b and counts[a, b]
        ),
        key=lambda metric: -metric.value,
    )
