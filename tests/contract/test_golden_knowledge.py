"""The decision table as people and systems read it: a change to a rule is a change to a sentence.

`make golden` rewrites the files under tests/golden; their diff is the clinical review.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from service.knowledge.markdown import knowledge_markdown
from service.knowledge.plan_definition import code_systems, plan_definition

GOLDEN = Path(__file__).parent.parent / "golden"


class _Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT

    @classmethod
    def dirname(cls, *, test_location):
        return str(GOLDEN / Path(test_location.filepath).stem)


class _Markdown(_Golden):
    file_extension = "md"


class _Json(_Golden):
    file_extension = "json"


@pytest.fixture
def markdown(snapshot):
    return snapshot.use_extension(_Markdown)


@pytest.fixture
def as_json(snapshot):
    return snapshot.use_extension(_Json)


def pretty(resource):
    return json.dumps(resource, indent=2, ensure_ascii=False) + "\n"


def test_the_rendered_decision_table(markdown):
    assert knowledge_markdown() == markdown


def test_the_exported_plan_definition(as_json):
    assert pretty(plan_definition()) == as_json


@pytest.mark.parametrize("place", [0, 1], ids=["finding", "override-reason"])
def test_the_exported_code_systems(as_json, place):
    resource = code_systems()[place]
    assert pretty(resource) == as_json
