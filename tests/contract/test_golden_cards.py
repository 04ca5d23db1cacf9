"""What a clinician reads for each rule: the cards of one sample patient who reaches it.

`make golden` rewrites the files under tests/golden; their diff is the clinical review.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from service.cds_client.explanation_text import explanation_in, sentence_of
from service.cds_client.terminal import render_response
from service.commands.worked_examples import responses, rules_reached
from service.interpreter.rules import FINDINGS

GOLDEN = Path(__file__).parent.parent / "golden"


class _Text(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location):
        return str(GOLDEN / Path(test_location.filepath).stem)


@pytest.mark.parametrize("rule", FINDINGS)
def test_the_cards_of(rule, snapshot):
    sample = rules_reached()[rule]
    response = responses()[sample]
    text = f"Sample patient: {sample}\n\n{render_response(response, 100)}\n"
    if not response["cards"]:
        text += f"\n{sentence_of(explanation_in(response), 100)}\n"
    text = re.sub(r"rule table [^;]*;", "rule table *;", text)

    assert text == snapshot.use_extension(_Text)
