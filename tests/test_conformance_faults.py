"""The conformance kit catches every planted fault, by the check that is meant to catch it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from benchsuite_registry.contracts import Entry, Parameter
from benchsuite_registry.registries import Origin, Registry
from conforming import Evaluator, ImageModel, Lifter, Refiner

from benchsuite.testing import CHECKS, Case, Check, NotConforming, Subject, checks_for, entries, examine, examine_all
from benchsuite.testing.settings import settings

BUILDERS: dict[str, Any] = {
    "lifter": Lifter,
    "image model": ImageModel,
    "refiner": Refiner,
    "evaluator": Evaluator,
}


def subject(kind: str, fault: str = "", **more: Any) -> Subject:
    registry: Registry[Any] = Registry(kind)
    described = {"name": "toy", "build": partial(BUILDERS[kind], fault), "summary": "a toy", **more}
    registry.register(Entry(**described), Origin("toys", "1.0"))
    return Subject(registry, described["name"])


def finding(one: Subject, check: str) -> Any:
    (rule,) = (rule for rule in checks_for(one) if rule.name == check)
    return examine(one, rule)


def takes_anything(**parameters: Any) -> Lifter:
    return Lifter()


BACKENDS = {"parameters": {"backend": Parameter("one", "where it is computed", ("one", "other", "absent"))}}
CLIPS = {"unit": "clip"}

BEHAVIOUR = [
    ("lifter", "rows", "gives_one_row_a_sample", {}),
    ("lifter", "array", "gives_one_row_a_sample", {}),
    ("lifter", "ids", "keeps_the_order_of_samples", {}),
    ("lifter", "frame", "says_the_right_frame", {}),
    ("lifter", "float64", "keeps_to_float32", {}),
    ("lifter", "writes", "leaves_its_input_alone", {}),
    ("lifter", "writes the camera", "leaves_its_input_alone", {}),
    ("lifter", "writes clips", "leaves_its_input_alone", {}),
    ("lifter", "buffer", "keeps_what_it_gave", {}),
    ("lifter", "state", "acts_the_same_again", {}),
    ("lifter", "drawn when built", "builds_the_same_again", {}),
    ("lifter", "grad", "works_in_inference_mode", {}),
    ("lifter", "prints", "prints_nothing", {}),
    ("lifter", "prints below", "prints_nothing", {}),
    ("lifter", "seeds torch", "does_not_seed", {}),
    ("lifter", "seeds random", "does_not_seed", {}),
    ("lifter", "seeds numpy", "does_not_seed", {}),
    ("lifter", "threads", "leaves_settings_alone", {}),
    ("lifter", "type", "leaves_settings_alone", {}),
    ("lifter", "folder", "leaves_settings_alone", {}),
    ("lifter", "environment", "leaves_settings_alone", {}),
    ("lifter", "empty", "takes_an_empty_batch", {}),
    ("lifter", "batch norm", "a_batch_is_as_good_as_singles", {}),
    ("lifter", "place in batch", "order_in_the_batch_does_not_matter", {}),
    ("lifter", "NaN spreads", "a_spoilt_sample_stays_alone", {}),
    ("lifter", "hidden pixels", "hidden_pixels_mean_nothing", {}),
    ("lifter", "row numbers", "row_numbers_mean_nothing", {}),
    ("lifter", "index", "joints_go_by_name", {}),
    ("lifter", "root elsewhere", "root_is_at_the_origin", {}),
    ("lifter", "metres", "poses_are_in_millimetres", {}),
    ("lifter", "NaN", "poses_are_finite", {}),
    ("lifter", "remembers", "a_spoilt_clip_stays_alone", CLIPS),
    ("lifter", "three frames", "takes_a_clip_of_one_frame", CLIPS),
    ("image model", "writes", "leaves_its_input_alone", {}),
    ("image model", "size", "size_is_a_whole_number", {}),
    ("image model", "normalised", "keypoints_are_in_the_crops_pixels", {}),
    ("image model", "of the photograph", "keypoints_are_in_the_crops_pixels", {}),
    ("image model", "camera", "keypoints_are_in_the_crops_pixels", {}),
    ("image model", "black", "takes_crops_without_a_person", {}),
    ("refiner", "writes the camera", "leaves_its_input_alone", {}),
    ("refiner", "view", "shares_no_memory_with_its_input", {}),
    ("refiner", "flattens", "the_truth_is_a_fixed_point", {}),
    ("refiner", "misses", "reprojection_is_no_worse", {}),
    ("refiner", "behind", "joints_are_before_the_camera", {}),
    ("refiner", "depth", "depth_is_the_roots", {}),
    ("refiner", "backends", "backends_agree", BACKENDS),
    ("refiner", "loses", "hidden_joints_come_along", {}),
    ("evaluator", "writes the truth", "leaves_its_input_alone", {}),
    ("evaluator", "text", "gives_numbers", {}),
    ("evaluator", "batch mean", "a_batch_is_as_good_as_singles", {}),
    ("evaluator", "offset", "the_truth_scores_the_ideal", {}),
    ("evaluator", "score", "noise_never_scores_better", {}),
    ("evaluator", "not rooted", "moving_a_pose_does_not_matter", {}),
    ("evaluator", "distances", "turning_a_pose_matters", {}),
    ("evaluator", "weights", "order_of_samples_does_not_matter", {}),
    ("evaluator", "last", "order_of_samples_does_not_matter", {}),
    ("evaluator", "resamples", "summarises_the_same_again", {}),
    ("evaluator", "writes", "summarises_the_same_again", {}),
    ("evaluator", "twice", "metrics_are_complete", {}),
    ("evaluator", "interval", "metrics_are_complete", {}),
    ("evaluator", "protocol", "protocol_says_the_rules", {}),
    ("evaluator", "tensor", "protocol_says_the_rules", {}),
]

ENTRIES: list[tuple[dict[str, Any], str]] = [
    ({"name": "My_Lifter"}, "name_is_a_slug"),
    ({"summary": "one\ntwo"}, "summary_is_one_line"),
    ({"summary": " "}, "summary_is_one_line"),
    ({"parameters": {"fault": Parameter("", "")}}, "parameters_are_documented"),
    ({"parameters": {"fault": Parameter("none", "which", ("a", "b"))}}, "parameters_are_documented"),
    ({"training": {"steps": Parameter(10, "how\nmany")}}, "parameters_are_documented"),
    ({"expected_failures": {"poses_are_in_metres": "no such check"}}, "expected_failures_are_checks"),
    ({"expected_failures": {"backends_agree": "a check of refiners"}}, "expected_failures_are_checks"),
    ({"expected_failures": {"prints_nothing": ""}}, "expected_failures_are_checks"),
    ({"build": lambda: Lifter()}, "entry_can_be_pickled"),
    ({"build": dict}, "builds"),
    ({"build": takes_anything}, "unknown_parameter_is_refused"),
    ({"checkpoint": lambda parameters: Path("no such file")}, "weights_are_there"),
]


@pytest.mark.parametrize(("kind", "fault", "check", "more"), BEHAVIOUR, ids=lambda v: v if isinstance(v, str) else "")
def test_a_planted_fault_is_caught(kind: str, fault: str, check: str, more: dict[str, Any]) -> None:
    found = finding(subject(kind, fault, **more), check)
    assert found.verdict == "fail"
    assert found.reason
    assert len(found.reason.splitlines()) == 1


@pytest.mark.parametrize(("described", "check"), ENTRIES)
def test_a_faulty_entry_is_caught(described: dict[str, Any], check: str) -> None:
    assert finding(subject("lifter", **described), check).verdict == "fail"


@pytest.mark.parametrize(
    ("kind", "more"),
    [*((kind, {}) for kind in BUILDERS), ("lifter", CLIPS), ("refiner", CLIPS), ("evaluator", CLIPS)],
)
def test_a_correct_component_passes_all(kind: str, more: dict[str, Any]) -> None:
    one = subject(kind, **more)
    findings = [examine(one, rule) for rule in checks_for(one)]
    assert [f"{found.check}: {found.reason}" for found in findings if found.verdict != "pass"] == []
    assert len(findings) > 20


def test_what_is_not_built_is_not_tried_further() -> None:
    one = subject("lifter", build=dict)
    found = {rule.name: finding for rule, finding in examine_all(one)}
    assert (found["builds"].verdict, found["builds"].reason) == ("fail", "wanted a Lifter, built a dict")
    assert found["weights_are_there"].verdict == "pass"
    assert {found[name].reason for name in ("gives_one_row_a_sample", "prints_nothing", "poses_are_finite")} == {
        "not tried"
    }
    assert {f.check for f in found.values() if f.verdict == "fail"} <= {
        rule.name for rule in vars(entries).values() if isinstance(rule, Check)
    }


@pytest.mark.parametrize(
    ("kind", "gave", "message"),
    [
        ("lifter", torch.zeros(5, 17, 3), "wanted a PoseBatch, found a Tensor"),
        ("image model", torch.zeros(5, 17, 3), "wanted a KeypointBatch and a PoseBatch, found a Tensor"),
        ("refiner", (torch.zeros(5), 2.0), "wanted a Refinement, found a Tensor and a float"),
        ("evaluator", [], "wanted a Mapping, found a list"),
    ],
)
def test_the_class_that_was_wanted_and_the_one_that_was_found_are_named(kind: str, gave: Any, message: str) -> None:
    with pytest.raises(NotConforming, match=f"^{message}$"):
        subject(kind).checked(gave)


def test_every_check_catches_some_fault() -> None:
    caught = {check for *_, check, _ in BEHAVIOUR} | {check for _, check in ENTRIES}
    assert {rule.name for rule in CHECKS} == caught
    assert all(rule.rule for rule in CHECKS)


# ---- expected failures ---------------------------------------------------------------------------


def test_an_expected_failure_is_no_failure() -> None:
    reason = "it was trained on metres"
    one = subject("lifter", "metres", expected_failures={"poses_are_in_millimetres": reason})
    found = finding(one, "poses_are_in_millimetres")
    assert (found.verdict, found.reason) == ("expected", reason)
    (rule,) = (rule for rule in checks_for(one) if rule.name == "poses_are_in_millimetres")
    with pytest.raises(pytest.xfail.Exception, match=reason):
        Case(one, rule)()


def test_an_expected_failure_that_passes_is_a_failure() -> None:
    one = subject("lifter", expected_failures={"poses_are_in_millimetres": "it was trained on metres"})
    found = finding(one, "poses_are_in_millimetres")
    assert found.verdict == "fail"
    assert found.reason == "it passes, though it was expected to fail: it was trained on metres"
    (rule,) = (rule for rule in checks_for(one) if rule.name == "poses_are_in_millimetres")
    with pytest.raises(NotConforming, match="it passes, though it was expected to fail"):
        Case(one, rule)()


@pytest.mark.parametrize("fault", ["threads", "type", "folder", "environment"])
def test_the_kit_puts_settings_back(fault: str) -> None:
    before = settings()
    finding(subject("lifter", fault), "leaves_settings_alone")
    assert settings() == before


def test_ctrl_c_gets_through() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finding(subject("lifter", build=interrupted), "builds")
