"""Who is better than whom: fingerprints that must be alike, clips that are kept, ranks that they can tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchsuite_registry.contracts import Metric, Scalar
from matrices import matrix, run
from scored import labels

from benchsuite.comparing.comparison import CannotCompare, compare_records
from benchsuite.leaderboard.fingerprints import MixedProtocols, check_alike, differences, fingerprint_of
from benchsuite.leaderboard.ranking import ranking
from benchsuite.leaderboard.standings import contest, contests
from benchsuite.records.clip_figures import headline_of, kept, sums_of
from benchsuite.records.results import ClipFigures, DatasetUsed, Part, Record, read_record, write_record
from benchsuite.statistics import DETECTABLE

PROTOCOL: Mapping[str, Scalar] = {"joints": 17, "average": "frames"}
CMU = DatasetUsed("cmu", "test", "f00d" * 16, 8, 4)


def record(
    name: str,
    clips: Sequence[float] | None,
    mean: float | None = None,
    ends: tuple[float, float] | None = None,
    *,
    better: str = "lower",
    seed: int = 0,
) -> Record:
    """Four clips of two frames each with these means; the ends of the headline's interval."""
    low, high = ends or (None, None)
    value = float(np.mean(clips)) if mean is None and clips is not None else mean
    figures = clips and ClipFigures("frames", " ".join(map(str, clips)), "2 2 2 2", "0 0 1 1")
    return Record(
        Part("lifter", name, trained={"recipe": "r", "seed": seed}, weights=f"{name}{seed}"),
        None,
        Part("evaluator", "h36m-p1", {"joints": 17, "bootstrap": 9}, distribution="benchsuite 0.1.0"),
        CMU,
        PROTOCOL,
        (Metric("MPJPE", value, "mm", better, low=low, high=high, n=8),),  # type: ignore[arg-type]
        None,
        {"seed": 0},
        clips=figures or None,
    )


def places(*records: Record) -> list[tuple[str, int, bool]]:
    made = contest(records)
    return [
        (standing.records[0].source.name, place.rank, place.shared)
        for standing, place in zip(made.standings, ranking(made).places, strict=True)
        if place
    ]


EASY_AND_HARD = (10.0, 20.0, 30.0, 40.0)


def test_a_small_difference_on_every_clip_tells_and_a_large_one_that_changes_sides_does_not() -> None:
    a = record("a", EASY_AND_HARD)
    always = record("always", [v + 1 for v in EASY_AND_HARD])
    once = record("once", [v + off for v, off in zip(EASY_AND_HARD, (10, -9, 9, -8), strict=True)])  # 0.5 more
    assert places(a, always, once) == [("a", 1, True), ("once", 1, True), ("always", 2, False)]


def test_how_far_behind_with_its_error_by_hand() -> None:
    off = np.array((10.0, -9.0, 9.0, -8.0))
    made = ranking(contest([record("a", EASY_AND_HARD), record("b", list(np.add(EASY_AND_HARD, off)))]))
    first, second = made.places
    assert first
    assert first.behind is None
    assert second
    assert second.behind
    error = off.std() / 2  # of the mean of four drawn with replacement
    assert second.behind.value == 0.5
    assert second.behind.error == pytest.approx(error, rel=0.07)
    assert second.behind.error is not None
    assert second.behind.high == pytest.approx(0.5 + 1.96 * second.behind.error)
    assert made.detectable == pytest.approx(DETECTABLE * second.behind.error)


def test_clips_are_drawn_within_their_action_where_the_mean_is_over_actions() -> None:
    """Both clips of an action are off by as much, so that drawing within actions always gives 4.5."""
    b = record("b", list(np.add(EASY_AND_HARD, (-1.0, -1.0, 10.0, 10.0))))
    a = record("a", EASY_AND_HARD)
    assert places(a, b) == [("a", 1, True), ("b", 1, True)]
    over_actions = [replace(r, clips=r.clips and replace(r.clips, average="actions")) for r in (a, b)]
    assert places(*over_actions) == [("a", 1, False), ("b", 2, False)]


def test_higher_is_better_where_the_metric_says_so() -> None:
    low, high = (
        record("low", EASY_AND_HARD, better="higher"),
        record("high", [v + 1 for v in EASY_AND_HARD], better="higher"),
    )
    assert places(low, high) == [("high", 1, False), ("low", 2, False)]
    second = ranking(contest([low, high])).places[1]
    assert second
    assert second.behind
    assert second.behind.value == 1.0


def test_where_clips_are_not_kept_intervals_tell_or_do_not() -> None:
    """Half widths 3 and 4: the root of both squares is 5, wherever in its interval a headline lies."""
    a = record("a", None, 40.0, (36.0, 42.0))
    assert places(a, record("b", None, 44.9, (42.0, 50.0))) == [("a", 1, True), ("b", 1, True)]
    assert places(a, record("b", None, 45.1, (42.0, 50.0))) == [("a", 1, False), ("b", 2, False)]
    high = record("b", None, 45.1, (42.0, 50.0), better="higher")
    assert places(replace(a, metrics=(replace(a.metrics[0], better="higher"),)), high)[0] == ("b", 1, False)
    made = ranking(contest([a, record("b", None, 45.1, (42.0, 50.0))]))
    assert (made.by_intervals, made.untold, made.detectable) == (True, False, None)
    assert [place and place.behind for place in made.places] == [None, None], "nothing is paired"


def test_intervals_of_several_seeds_are_averaged_to_rank() -> None:
    """Half widths 2 and 4 average 3, which with 4 makes 5; headlines of 39 and 41 average 40."""
    seeds = [record("a", None, 39.0, (37.0, 41.0), seed=0), record("a", None, 41.0, (37.0, 45.0), seed=1)]
    assert places(*seeds, record("b", None, 44.9, (42.0, 50.0))) == [("a", 1, True), ("b", 1, True)]
    assert places(*seeds, record("b", None, 45.1, (42.0, 50.0))) == [("a", 1, False), ("b", 2, False)]


def test_a_row_without_clips_is_told_by_intervals_and_the_others_by_their_clips() -> None:
    """a and b are 1 apart on every clip, which draws tell; c is 4 behind a and 3 behind b, less than the root of 50."""
    a = record("a", EASY_AND_HARD, 25.0, (20.0, 30.0))
    b = record("b", [v + 1 for v in EASY_AND_HARD], 26.0, (21.0, 31.0))
    c = record("c", None, 29.0, (24.0, 34.0))
    assert places(a, b, c) == [("a", 1, True), ("b", 2, False), ("c", 1, True)]
    made = ranking(contest([a, b, c]))
    assert [place and place.behind and place.behind.value for place in made.places] == [None, 1.0, None]
    assert made.by_intervals


def test_printed_digits_alone_rank_nobody() -> None:
    a, b = record("a", None, 25.0), record("b", None, 99.0)
    none = ranking(contest([a, b]))
    assert (none.places, none.untold, none.by_intervals) == ((None, None), True, False)
    assert places(a) == [("a", 1, False)], "alone it needs no evidence"
    assert places(a, record("b", EASY_AND_HARD, 30.0)) == []
    always = [record("c", EASY_AND_HARD), record("d", [v + 1 for v in EASY_AND_HARD])]
    assert places(b, *always) == [("c", 1, False), ("d", 2, False)]
    assert ranking(contest(always)).untold is False


def test_numbers_that_print_the_same_share_a_rank_whatever_their_intervals() -> None:
    sure = [record(name, None, value, (value, value)) for name, value in (("a", 25.001), ("b", 25.0), ("c", 25.01))]
    assert places(*sure) == [("b", 1, True), ("a", 1, True), ("c", 3, False)]


def test_equal_records_share_the_rank_although_nothing_is_drawn_apart() -> None:
    assert places(record("a", EASY_AND_HARD), record("b", EASY_AND_HARD)) == [("a", 1, True), ("b", 1, True)]
    assert ranking(contest([record("a", EASY_AND_HARD)])).detectable is None


def lonely(*records: Record) -> list[Record]:
    """The same, means over actions, of which the second has the last clip alone."""
    return [replace(r, clips=r.clips and replace(r.clips, average="actions", action="0 0 0 1")) for r in records]


def test_where_an_action_has_a_single_clip_the_mean_over_frames_ranks() -> None:
    rows = lonely(record("a", EASY_AND_HARD, 30.0), record("b", (20.0, 20.0, 35.0, 49.0), 37.0))
    made = ranking(contest(rows))
    assert made.over_frames
    second = made.places[1]
    assert second
    assert second.behind
    assert second.behind.value == 6.0
    assert second.behind.error == pytest.approx(np.std((10.0, 0.0, 5.0, 9.0)) / 2, rel=0.07)
    assert made.detectable == pytest.approx(DETECTABLE * (second.behind.error or 0.0))
    told = compare_records(*rows)
    assert (told.told_over, told.told.difference.value) == ("frames", 6.0)
    assert told.detectable == pytest.approx(made.detectable)
    assert told.verdict.startswith("There is an action of a single take, so over frames: a")
    evenly = [replace(r, clips=r.clips and replace(r.clips, action="0 0 1 1")) for r in rows]
    assert not ranking(contest(evenly)).over_frames


def test_headlines_that_print_apart_share_a_rank_where_frames_cannot_tell() -> None:
    rows = lonely(record("a", EASY_AND_HARD, 25.0), record("b", (20.0, 11.0, 39.0, 32.0), 26.0))
    assert places(*rows) == [("a", 1, True), ("b", 1, True)]


def test_who_leaves_samples_undefined_is_not_ranked_and_pairs_with_nobody() -> None:
    easy = record("easy", (10.0, 20.0, 0.0, 0.0), 15.0)
    half = easy.clips and replace(easy.clips, count="2 2 0 0")
    easy = replace(easy, metrics=(replace(easy.metrics[0], n=4),), clips=half)
    made = contest([easy, record("a", EASY_AND_HARD), record("b", [v + 1 for v in EASY_AND_HARD])])
    assert [(s.records[0].source.name, s.undefined) for s in made.standings] == [("a", 0), ("b", 0), ("easy", 4)]
    assert [p and (p.rank, p.shared) for p in ranking(made).places] == [(1, False), (2, False), None]
    told = compare_records(easy, record("c", (12.0, 24.0, 30.0, 40.0)))
    assert (told.samples, told.left_out) == (4, 4)
    assert (told.overall.first, told.overall.second, told.overall.difference.value) == (15.0, 18.0, 3.0)
    other = replace(easy, clips=easy.clips and replace(easy.clips, count="0 0 2 2"))
    with pytest.raises(CannotCompare, match="have the same samples of no clip"):
        compare_records(easy, other)


def test_a_seed_that_leaves_samples_undefined_counts_for_its_row() -> None:
    seeds = [record("b", EASY_AND_HARD, seed=seed) for seed in (0, 1)]
    seeds[1] = replace(seeds[1], metrics=(replace(seeds[1].metrics[0], n=5),))
    assert [s.undefined for s in contest([*seeds, record("a", EASY_AND_HARD)]).standings] == [0, 3]


def test_methods_that_do_the_same_say_nothing_of_what_can_be_told() -> None:
    same = [record("a", EASY_AND_HARD), record("b", EASY_AND_HARD)]
    assert ranking(contest(same)).detectable is None
    assert compare_records(*same).detectable is None
    other = record("c", list(np.add(EASY_AND_HARD, (10.0, -9.0, 9.0, -8.0))))
    alone = ranking(contest([same[0], other])).detectable
    assert alone
    assert ranking(contest([*same, other])).detectable == pytest.approx(alone)


def test_seeds_count_by_their_mean() -> None:
    """The mean of the seeds is off by 5 on every clip, each of them now more and now less."""
    offs = ((12.0, 0.0, 0.0, 0.0), (-2.0, 10.0, 10.0, 10.0))
    seeds = [record("b", list(np.add(EASY_AND_HARD, off)), seed=seed) for seed, off in enumerate(offs)]
    assert places(record("a", EASY_AND_HARD), *seeds) == [("a", 1, False), ("b", 2, False)]
    assert places(record("a", EASY_AND_HARD), seeds[0]) == [("a", 1, True), ("b", 1, True)]


# ---- clips ---------------------------------------------------------------------------------------


def test_a_run_keeps_its_headline_clip_by_clip(tmp_path: Path) -> None:
    (found,) = run(matrix("toy:off_mm=34"), tmp_path)  # 34 mm of one joint of 17
    assert found.clips == ClipFigures("frames", "2 2 2", "5 5 5", "0 1 0")
    (path,) = (tmp_path / "records").rglob("*.json")
    assert read_record(path) == found


def test_records_of_earlier_days_have_no_clips(tmp_path: Path) -> None:
    old = record("a", None, 1.0)
    path = write_record(tmp_path, old)
    document = json.loads(path.read_bytes())
    assert document.pop("clips") is None
    path.write_text(json.dumps(document))
    assert read_record(path) == old


def test_the_headline_is_found_with_its_way_of_averaging() -> None:
    told = labels(4, action=["walk", "walk", "walk", "sit"], clip=["a", "a", "b", "c"])
    columns = {"other": np.array([1.0, 1, 1, 1]), "error": np.array([3.0, 5, 4, 8]), "undefined": np.zeros(4, bool)}
    frames = headline_of([Metric("mean", 5.0, "mm", "lower")], columns, told)
    actions = headline_of([Metric("mean", 6.0, "mm", "lower")], columns, told)
    assert frames
    assert actions
    assert (frames.average, actions.average) == ("frames", "actions")
    assert kept(actions) == ClipFigures("actions", "4 4 8", "2 1 1", "0 0 1")
    assert sums_of(kept(actions)).total.tolist() == [8.0, 4.0, 8.0]
    assert headline_of([Metric("median", 4.5, "mm", "lower")], columns, told) is None


def test_where_both_ways_of_averaging_agree_the_protocol_says_which() -> None:
    told = labels(2, action=["walk", "sit"])
    columns = {"error": np.array([1.0, 3.0])}
    for way in ("frames", "actions"):
        found = headline_of([Metric("error", 2.0, "mm", "lower")], columns, told, way)
        assert found
        assert found.average == way


def test_clips_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="found 2, 3 and 3"):
        sums_of(ClipFigures("frames", "1 2", "1 1 1", "0 0 0"))


# ---- fingerprints --------------------------------------------------------------------------------


def test_a_fingerprint_says_everything_once() -> None:
    assert fingerprint_of(record("a", EASY_AND_HARD)) == {
        "joints": 17,
        "average": "frames",
        "evaluator's bootstrap": 9,
        "dataset": "cmu",
        "split": "test",
        "samples": 8,
        "clips": 4,
        "data": "f00d" * 16,
        "evaluator": "h36m-p1",
        "evaluator of": "benchsuite",
        "origin": "measured",
    }


def test_mixing_two_fingerprints_is_refused_with_the_fields_in_which_they_differ() -> None:
    a = record("a", EASY_AND_HARD)
    b = replace(record("b", EASY_AND_HARD), protocol={"joints": 14, "average": "frames", "scale": True})
    with pytest.raises(MixedProtocols) as refused:
        contest([a, b])
    assert str(refused.value) == (
        "a on cmu and b on cmu cannot be compared; they differ in joints: 17 and 14; scale: not said and yes"
    )
    check_alike([a, replace(b, protocol=PROTOCOL)])


@pytest.mark.parametrize(
    ("used", "fields"),
    [
        (replace(CMU, name="h36m", samples=9, fingerprint="b"), ["dataset"]),
        (replace(CMU, split="train", samples=9, clips=5, fingerprint="b"), ["split"]),
        (replace(CMU, samples=4, fingerprint="f00d/4"), ["samples"]),
        (replace(CMU, fingerprint="b"), ["data"]),
    ],
)
def test_other_data_are_said_to_be_other_data_and_no_more(used: DatasetUsed, fields: list[str]) -> None:
    a = record("a", EASY_AND_HARD)
    assert [d.field for d in differences(fingerprint_of(a), fingerprint_of(replace(a, dataset=used)))] == fields


def test_tables_say_why_they_are_not_one() -> None:
    a = record("a", EASY_AND_HARD)
    thinned = replace(record("b", EASY_AND_HARD), protocol={**PROTOCOL, "average": "actions"})
    first, second = contests([a, thinned])
    assert [len(c.standings) for c in (first, second)] == [1, 1]
    assert first.apart == ()
    assert [str(d) for d in second.apart] in (["average: frames and actions"], ["average: actions and frames"])
