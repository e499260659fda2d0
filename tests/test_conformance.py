"""The shipped components pass the conformance kit."""

from __future__ import annotations

import benchsuite_evaluators
import benchsuite_image_models
import benchsuite_lifters
import benchsuite_refiners
import pytest

from benchsuite.testing import Case, parametrize_with_checks


@parametrize_with_checks(benchsuite_lifters, benchsuite_refiners, benchsuite_evaluators)
def test_shipped_components_conform(check: Case) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks(benchsuite_image_models)
def test_shipped_image_models_conform(check: Case) -> None:
    if check.subject.lacks_weights:
        pytest.skip(f"{check.subject} has no trained weights yet")
    check()
