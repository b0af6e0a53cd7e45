"""The part of the page that answers back: its data, its script, and leave for that script alone to run."""

from __future__ import annotations

import base64
import hashlib
import shlex

from markupsafe import Markup

from analysis.browser import script
from analysis.loading import Results
from analysis.measures.scores import final_score
from analysis.report.payload import make_payload


def interactive(results: Results, source: str) -> dict[str, object]:
    """Return what the template takes: payload, command, script, script_source, has_score.

    The page lets no script run but this one, by its hash: whatever a trial says is text. Where no trial has a score
    there is nothing to explore, and no script.

    Args:
        results: of the sweep.
        source: the directory that it was loaded from, for the command that repeats a trial.
    """
    if final_score(results.trials).isna().all():
        return {"has_score": False, "payload": "", "command": "", "script": "", "script_source": "'none'"}
    text = script("page.js")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {
        "has_score": True,
        "payload": make_payload(results),
        "command": f"bnsweep repro {shlex.quote(source)}",
        "script": Markup(text),
        "script_source": Markup(f"'sha256-{digest}'"),
    }
