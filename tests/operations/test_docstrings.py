"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import operations

MODULES = sorted(module.name for module in pkgutil.iter_modules(operations.__path__, "operations."))
WITH_EXAMPLES = {"operations.money", "operations.periods", "operations.payments"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0
    assert outcome.attempted > 0 or name not in WITH_EXAMPLES
