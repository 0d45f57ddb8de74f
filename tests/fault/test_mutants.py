"""The tests are tested: ten bugs of the matrix, each put into a copy of the tree, and each must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fault import figures, mutants
from tests.fault.mutants import MUTANTS, Mutant

TESTS_FAILED = 1
"""pytest's exit status: it ran, and a test failed"""


def test_the_tests_that_catch_mutants_pass_on_the_tree_as_it_is(tmp_path: Path) -> None:
    """Otherwise a mutant would be caught by whatever else is wrong."""
    tests = tuple(dict.fromkeys(test for mutant in MUTANTS for test in mutant.tests))
    verdict = mutants.run(tests, mutants.copy_of_the_tree(tmp_path))
    assert verdict.code == 0, verdict.output


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.bug)
def test_each_mutant_is_caught(tmp_path: Path, mutant: Mutant) -> None:
    tree = mutants.copy_of_the_tree(tmp_path)
    mutants.apply(mutant, tree)
    verdict = mutants.run(mutant.tests, tree)
    assert verdict.code == TESTS_FAILED, verdict.output
    wanted = {test.rpartition("::")[2] for test in mutant.tests}
    assert set(verdict.failed) == wanted, verdict.output
    figures.note(f"mutant: {mutant.bug}", caught_by=", ".join(verdict.failed))
