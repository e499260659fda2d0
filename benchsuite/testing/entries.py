"""Checks of entries: what a registry and a user read before anything is built, and the building itself."""

from __future__ import annotations

import pickle
import re

from benchsuite.testing.findings import EVERY, check
from benchsuite.testing.subject import ACTS, NotConforming, Subject

_LONGEST_SUMMARY = 120


@check(*EVERY)
def name_is_a_slug(subject: Subject) -> None:
    """The name is made of lower-case letters, digits and hyphens."""
    bare = subject.entry.name.rpartition("/")[2]
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", bare):
        raise NotConforming(f"wanted lower-case letters, digits and hyphens, found {bare!r}")


@check(*EVERY)
def summary_is_one_line(subject: Subject) -> None:
    """The summary is a line of text, short enough for a list."""
    text = subject.entry.summary
    if not text.strip() or len(text.splitlines()) != 1 or len(text) > _LONGEST_SUMMARY:
        raise NotConforming(f"wanted one line of at most {_LONGEST_SUMMARY} characters, found {text!r}")


@check(*EVERY)
def parameters_are_documented(subject: Subject) -> None:
    """Each parameter says in a line what it is, and its default is a value that it takes."""
    for name, parameter in (*subject.entry.parameters.items(), *subject.entry.training.items()):
        if not parameter.help.strip() or len(parameter.help.splitlines()) != 1:
            raise NotConforming(f"parameter {name}: wanted one line of help, found {parameter.help!r}")
        try:
            parameter.check(parameter.default)
        except ValueError as error:
            raise NotConforming(f"parameter {name}: its default is refused: {error}") from None


@check(*EVERY)
def expected_failures_are_checks(subject: Subject) -> None:
    """Each expected failure is the name of a check that applies, and has a reason."""
    from benchsuite.testing import checks_for

    known = {rule.name for rule in checks_for(subject)}
    for name, reason in subject.entry.expected_failures.items():
        if name not in known:
            raise NotConforming(f"wanted the names of checks of a {subject.kind}, found {name!r}")
        if not reason.strip():
            raise NotConforming(f"{name}: wanted a reason, found none")


@check(*EVERY)
def entry_can_be_pickled(subject: Subject) -> None:
    """The entry survives pickling, so that it can be built in another process: no lambda, no local function."""
    try:
        pickle.loads(pickle.dumps(subject.entry))
    except Exception as error:
        raise NotConforming(f"{type(error).__name__}: {error}") from error


@check(*EVERY)
def builds(subject: Subject) -> None:
    """What is built has the methods of its contract."""
    contract, _ = ACTS[subject.kind]
    if not isinstance(made := subject.build(), contract):
        raise NotConforming(f"wanted a {contract.__name__}, built a {type(made).__name__}")


@check(*EVERY)
def unknown_parameter_is_refused(subject: Subject) -> None:
    """The builder takes no parameter beside those it lists."""
    try:
        subject.entry.build(**subject.component.parameters, no_such_parameter=1)
    except TypeError:
        return
    raise NotConforming("wanted a TypeError for the parameter 'no_such_parameter', which is not among the entry's")


@check(*EVERY)
def weights_are_there(subject: Subject) -> None:
    """The file of trained weights that the entry names exists, so that records can hold its hash."""
    if subject.lacks_weights:
        raise NotConforming("the file of trained weights is not there")
