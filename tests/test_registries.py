"""Registries and plugins: names, parameters, and what a broken plugin does to the others."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from benchsuite_registry.contracts import Entry, Parameter, Scalar, late
from benchsuite_registry.hookspecs import PROJECT, hookimpl
from benchsuite_registry.loading import load_registries, registries_of
from benchsuite_registry.registries import (
    ContestedName,
    NameTaken,
    Origin,
    Registries,
    Registry,
    UnknownName,
    WrongParameter,
    split_component,
)

HOME, AWAY = Origin("home", "1.0"), Origin("away", "2.0")
PARAMETERS = {
    "width": Parameter(1024, "hidden size"),
    "rate": Parameter(0.5, "share"),
    "mode": Parameter("sq", "which", ("sq", "l1")),
    "clip": Parameter(False, "whether"),
}


def made(**parameters: Scalar) -> dict[str, Scalar]:
    return parameters


def entry(name: str, **more: Any) -> Entry[Any]:
    return Entry(name, made, f"what {name} does", **more)


def registry(*names: str) -> Registry[Any]:
    filled: Registry[Any] = Registry("lifter")
    for name in names:
        filled.register(entry(name, parameters=PARAMETERS), HOME)
    return filled


# ---- names ---------------------------------------------------------------------------------------


def test_entries_come_sorted_each_with_its_origin() -> None:
    names = registry("stereo", "martinez")
    assert [e.name for e in names] == ["martinez", "stereo"]
    assert len(names) == 2
    assert "stereo" in names
    assert "mono" not in names
    assert names.origin("stereo") == HOME


def test_a_distribution_may_not_give_a_name_twice() -> None:
    names = registry("stereo")
    first = names["stereo"]
    with pytest.raises(NameTaken) as error:
        names.register(entry("stereo"), HOME)
    assert str(error.value) == "lifter 'stereo' of home: the name is taken by home"
    assert names["stereo"] is first


def contested() -> Registry[Any]:
    """``stereo`` of home and of away, and ``martinez`` of home alone."""
    names = registry("stereo", "martinez")
    names.register(entry("stereo"), AWAY)
    return names


def test_a_name_that_two_distributions_claim_is_called_after_both() -> None:
    names = contested()
    assert [e.name for e in names] == ["away/stereo", "home/stereo", "martinez"]
    assert names.origin("away/stereo") == AWAY
    assert names["home/stereo"].parameters == PARAMETERS
    assert names["away/stereo"].parameters == {}
    assert names.contested() == {"stereo": ("away/stereo", "home/stereo")}
    assert str(names.parse("home/stereo:width=3")) == "home/stereo:width=3"
    assert names.parse("home/stereo:width=3").build()["width"] == 3
    assert names.parse("away/stereo").build() == {}


def test_a_contested_name_alone_is_refused_and_both_are_named() -> None:
    names = contested()
    assert "stereo" not in names
    with pytest.raises(ContestedName) as error:
        names.parse("stereo")
    assert str(error.value) == "lifter 'stereo' is given by several plugins: wanted away/stereo or home/stereo"


def test_a_vendor_may_always_be_said() -> None:
    names = registry("stereo")
    assert names["home/stereo"] is names["stereo"]
    assert "home/stereo" in names
    assert "away/stereo" not in names
    assert names.parse("home/stereo") == names.parse("stereo")
    assert names.origin("home/stereo") == HOME


@pytest.mark.parametrize(
    ("distribution", "vendor"),
    [
        ("My_Lifters.Two", "my-lifters-two"),
        ("file some/where/a b.py", "a-b"),
        ("file a\\b\\flat.py", "flat"),
        ("file .py", "unknown"),
    ],
)
def test_vendors_are_normalised(distribution: str, vendor: str) -> None:
    assert Origin(distribution, "1").vendor == vendor


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a,b", "a b"])
def test_a_name_holds_no_sign_that_command_lines_need(name: str) -> None:
    with pytest.raises(ValueError, match="wanted a name without slash, colon, comma and blank"):
        Registry[Any]("lifter").register(entry(name), HOME)


def test_an_unknown_name_is_answered_with_near_ones_and_all() -> None:
    with pytest.raises(UnknownName) as error:
        registry("stereo", "martinez")["sterio"]
    assert str(error.value) == "unknown lifter 'sterio'; did you mean stereo?; known: martinez, stereo"
    with pytest.raises(UnknownName, match=r"^unknown lifter 'x'; known: none$"):
        registry().origin("x")


def test_a_name_registered_after_a_build_can_be_built() -> None:
    names = registry("stereo")
    names.component("stereo").build()
    names.register(entry("martinez"), HOME)
    assert names.component("martinez").build() == {}


# ---- parameters ----------------------------------------------------------------------------------


def test_a_component_is_built_with_all_parameters_typed() -> None:
    component = registry("stereo").parse("stereo:width=256,rate=1,mode=l1,clip=yes")
    assert component.build() == {"width": 256, "rate": 1.0, "mode": "l1", "clip": True}
    assert type(component.parameters["rate"]) is float
    assert component.origin == HOME


def test_a_component_says_what_differs_from_the_defaults() -> None:
    names = registry("stereo")
    assert str(names.parse("stereo")) == "stereo"
    assert names.parse("stereo:width=1024").changed == {}
    component = names.component("stereo", {"width": 256, "rate": 1})
    assert component.changed == {"width": 256, "rate": 1.0}
    assert str(component) == "stereo:width=256,rate=1.0"
    assert names.parse(str(component)) == component


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stereo:widht=3", "lifter stereo: unknown parameter 'widht'; did you mean width?; it takes width, rate"),
        ("stereo:width=3.5", "lifter stereo: parameter width: wanted an integer, found '3.5'"),
        ("stereo:rate=half", "lifter stereo: parameter rate: wanted a number, found 'half'"),
        ("stereo:mode=l2", "lifter stereo: parameter mode: wanted one of sq, l1, found 'l2'"),
        ("stereo:clip=maybe", "lifter stereo: parameter clip: wanted true or false, found 'maybe'"),
        ("stereo:width", "stereo: wanted key=value after the colon, found 'width'"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_built(text: str, message: str) -> None:
    with pytest.raises(WrongParameter) as error:
        registry("stereo").parse(text)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(("key", "value"), [("width", True), ("width", 2.0), ("clip", 1), ("rate", None)])
def test_a_value_of_another_type_is_refused(key: str, value: Any) -> None:
    with pytest.raises(WrongParameter, match=f"parameter {key}: wanted .*, found {value!r}"):
        registry("stereo").component("stereo", {key: value})


def test_an_entry_without_parameters_says_so() -> None:
    names: Registry[Any] = Registry("refiner")
    names.register(entry("none-taken"), HOME)
    with pytest.raises(WrongParameter, match="unknown parameter 'a'; it takes no parameters"):
        names.parse("none-taken:a=1")


def test_a_value_may_hold_an_equals_sign() -> None:
    assert split_component("nearest:data=a=b,samples=3") == ("nearest", {"data": "a=b", "samples": "3"})


def test_what_a_builder_raises_passes_through() -> None:
    def refuse() -> None:
        raise ZeroDivisionError("by the builder")

    names: Registry[Any] = Registry("lifter")
    names.register(Entry("broken", refuse, ""), HOME)
    with pytest.raises(ZeroDivisionError, match="by the builder"):
        names.component("broken").build()


# ---- late ----------------------------------------------------------------------------------------


def test_late_imports_when_called_and_survives_pickling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_one.py").write_text("def twice(x): return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    builder = pickle.loads(pickle.dumps(late("late_one:twice")))
    assert "late_one" not in sys.modules
    try:
        assert builder(x=21) == 42
    finally:
        sys.modules.pop("late_one", None)


# ---- plugins -------------------------------------------------------------------------------------


@dataclass
class FakeDistribution:
    name: str
    version: str = "0.1"


@dataclass
class FakePoint:
    """An entry point as ``importlib.metadata`` gives it; ``plugin`` is a module or what its import raises."""

    name: str
    plugin: Any
    dist: FakeDistribution | None

    def load(self) -> Any:
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


def plugin(**hooks: Any) -> ModuleType:
    module = ModuleType("a_plugin")
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook))
    return module


def lifters(*names: str) -> ModuleType:
    return plugin(benchsuite_lifters=lambda: [entry(name) for name in names])


def raising() -> Any:
    raise RuntimeError("no such weights")


def half_way() -> Any:
    yield entry("first-half")
    raise RuntimeError("half way")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes plugins seem installed, as distribution ``dist-NAME`` each; returns the loaded registries."""

    def install(*files: Path, **plugins: Any) -> Registries:
        points = [FakePoint(name, p, FakeDistribution(f"dist-{name}")) for name, p in plugins.items()]
        monkeypatch.setattr(metadata, "entry_points", lambda *, group: points if group == PROJECT else [])
        return load_registries(files)

    return install


BROKEN = {
    "import error": (ModuleNotFoundError("No module named 'absent'"), "ModuleNotFoundError: No module named 'absent'"),
    "exit": (SystemExit(3), "SystemExit: 3"),
    "raising hook": (plugin(benchsuite_lifters=raising), "RuntimeError: no such weights"),
    "raising half way": (plugin(benchsuite_lifters=half_way), "RuntimeError: half way"),
    "misspelt hook": (
        plugin(benchsuite_lifter=lambda: [entry("lost")]),
        "AttributeError: no such hook: benchsuite_lifter; there are benchsuite_lifters, benchsuite_refiners, "
        "benchsuite_image_models, benchsuite_evaluators",
    ),
    "hook not marked": (
        type("Half", (), {"benchsuite_lifters": lambda: [entry("lost")], "benchsuite_refiners": hookimpl(lambda: [])}),
        "AttributeError: no hook yet: benchsuite_lifters; wanted @hookimpl on it",
    ),
    "no hook at all": (
        {"lifters": lambda: [entry("lost")]},
        "AttributeError: no hook found; wanted @hookimpl on benchsuite_lifters, benchsuite_refiners, "
        "benchsuite_image_models, benchsuite_evaluators",
    ),
    "no entry": (
        plugin(benchsuite_lifters=lambda: ["martinez"]),
        "TypeError: benchsuite_lifters gave 'martinez', wanted an Entry",
    ),
    "an entry alone": (
        plugin(benchsuite_lifters=lambda: entry("alone")),
        "TypeError: 'Entry' object is not iterable",
    ),
    "wrong signature": (plugin(benchsuite_lifters=lambda registries: []), "PluginValidationError: "),
    "same name twice": (lifters("twice", "twice"), "lifter 'twice' of dist-broken: the name is taken by dist-broken"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_named_and_stops_nobody_else(installed: Any, case: str) -> None:
    broken, message = BROKEN[case]
    refiner = plugin(benchsuite_refiners=lambda: (entry("smooth"),))
    loaded = installed(aaa=lifters("early"), broken=broken, zzz=lifters("late"), zzzz=refiner)
    assert {"early", "late"} <= {e.name for e in loaded.lifters}
    assert [e.name for e in loaded.refiners] == ["smooth"]
    (found,) = loaded.broken
    assert (found.distribution, found.entry_point) == ("dist-broken", "broken")
    assert found.error.startswith(message)
    assert str(found).startswith(f"plugin 'broken' of dist-broken could not be loaded: {message}")


@pytest.mark.parametrize("kind", ["lifters", "refiners", "image-models", "evaluators"])
def test_a_user_who_asks_for_a_missing_name_hears_of_the_broken_plugin(installed: Any, kind: str) -> None:
    loaded = installed(other=ImportError("libabsent.so"))
    with pytest.raises(UnknownName) as error:
        loaded.kinds()[kind]["theirs"]
    assert str(error.value).endswith(
        "known: none; plugin 'other' of dist-other could not be loaded: ImportError: libabsent.so"
    )


def test_a_name_of_ours_stays_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = FakePoint("aaa", lifters("stereo", "theirs"), FakeDistribution("thief"))
    ours = FakePoint("lifters", lifters("martinez", "stereo"), FakeDistribution(PROJECT))
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: [theirs, ours])
    loaded = load_registries()
    assert [e.name for e in loaded.lifters] == ["martinez", "stereo", "theirs", "thief/stereo"]
    assert loaded.lifters.origin("stereo").distribution == PROJECT
    assert loaded.lifters.origin("thief/stereo").distribution == "thief"
    assert loaded.lifters.contested() == {"stereo": ("stereo", "thief/stereo")}
    assert loaded.broken == []


def test_a_plugin_at_hand_fills_registries_of_its_own() -> None:
    other = plugin(benchsuite_refiners=lambda: [entry("b")])
    other.__name__ = "b_plugin.entries"
    loaded = registries_of(lifters("a"), other)
    assert [e.name for e in loaded.lifters] == ["a"]
    assert loaded.refiners.origin("b") == Origin("b_plugin", "")
    with pytest.raises(RuntimeError, match="no such weights"):
        registries_of(plugin(benchsuite_lifters=raising))


def test_ctrl_c_while_plugins_load_is_not_a_broken_plugin(installed: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        installed(slow=KeyboardInterrupt())


def test_every_kind_is_filled_through_its_own_hook(installed: Any) -> None:
    loaded = installed(
        all=plugin(
            benchsuite_lifters=lambda: [entry("a")],
            benchsuite_refiners=lambda: (entry("b"),),
            benchsuite_image_models=lambda: {"c": entry("c")}.values(),
            benchsuite_evaluators=lambda: (entry(name) for name in "d"),
        )
    )
    assert {kind: [e.name for e in names] for kind, names in loaded.kinds().items()} == {
        "lifters": ["a"],
        "refiners": ["b"],
        "image-models": ["c"],
        "evaluators": ["d"],
    }
    assert loaded.lifters.origin("a") == Origin("dist-all", "0.1")
    assert loaded.broken == []


def test_a_point_without_a_distribution_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: [FakePoint("p", lifters("a"), None)])
    assert load_registries().lifters.origin("a") == Origin("unknown distribution", "")


PLUGIN_FILE = """\
from benchsuite_registry.contracts import Entry
from benchsuite_registry.hookspecs import hookimpl

@hookimpl
def benchsuite_lifters():
    return [Entry("from-file", dict, "lifts")]
"""


def test_plugin_files_stand_beside_installed_plugins(installed: Any, tmp_path: Path) -> None:
    good, bad, absent = tmp_path / "good.py", tmp_path / "bad.py", tmp_path / "absent.py"
    good.write_text(PLUGIN_FILE)
    bad.write_text("import no_such_module\n")
    loaded = installed(bad, absent, good, other=lifters("stereo"))
    assert [e.name for e in loaded.lifters] == ["from-file", "stereo"]
    assert loaded.lifters.origin("from-file").distribution == f"file {good}"
    assert [str(b) for b in loaded.broken] == [
        f"plugin 'bad' of file {bad} could not be loaded: ModuleNotFoundError: No module named 'no_such_module'",
        f"plugin 'absent' of file {absent} could not be loaded: FileNotFoundError: no such file: {absent}",
    ]


def test_a_file_given_twice_is_loaded_once(installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.py").write_text(PLUGIN_FILE)
    monkeypatch.chdir(tmp_path)
    loaded = installed(Path("good.py"), tmp_path / "good.py", Path("./good.py"))
    assert [e.name for e in loaded.lifters] == ["from-file"]
    assert loaded.broken == []


def test_loading_twice_gives_two_sets_that_share_nothing(installed: Any) -> None:
    first, second = installed(a=lifters("a")), installed(b=lifters("b"))
    assert [e.name for e in first.lifters] == ["a"]
    assert [e.name for e in second.lifters] == ["b"]


def test_our_own_packs_load_through_the_group_alone() -> None:
    loaded = load_registries()
    ours = {p.value for p in metadata.entry_points(group=PROJECT) if p.dist and p.dist.name == "benchsuite"}
    assert ours == {"benchsuite_lifters", "benchsuite_refiners", "benchsuite_image_models", "benchsuite_evaluators"}
    assert [b for b in loaded.broken if b.distribution == "benchsuite"] == []
    assert {"martinez", "stereo"} <= {e.name for e in loaded.lifters}


def test_a_parameter_may_not_be_called_type() -> None:
    clash: Entry[Any] = Entry("clash", dict, "clashes with mmengine", parameters={"type": Parameter("x", "no")})
    with pytest.raises(ValueError, match="lifter 'clash' of somewhere: no parameter may be called 'type'"):
        Registry[Any]("lifter").register(clash, Origin("somewhere", "1"))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_numbers_are_finite(text: str) -> None:
    with pytest.raises(ValueError, match="wanted a finite number"):
        Parameter(1.0, "a number").read(text)
