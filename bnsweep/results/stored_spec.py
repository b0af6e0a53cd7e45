"""The setting of a stored trial: all of its spec but what the axes of every table say."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from bnsweep.errors import InputError
from bnsweep.results.schema import AXES
from bnsweep.spec import TrialSpec


def setting_text(spec: str) -> str:
    """Return a stored spec without `AXES`, as JSON with sorted keys.

    Raises:
        InputError: it is no mapping in JSON.
    """
    try:
        fields = dict(json.loads(spec))
    except (TypeError, ValueError) as error:
        raise InputError(f"trials: a spec is damaged ({error}); `bnsweep verify` names the trial") from error
    return json.dumps({name: value for name, value in fields.items() if name not in AXES}, sort_keys=True)


def completed_setting(setting: str) -> dict[str, Any]:
    """Return a setting with each field that it lacks at its default, as `TrialSpec.trial_key` takes it to be.

    Trials that were stored before a field existed so have the same setting as those stored since. The fields are in the
    order of `TrialSpec`. What this version cannot read comes back as it is.
    """
    try:
        fields = TrialSpec.model_validate_json(setting).model_dump(mode="json")
    except ValidationError:
        fields = json.loads(setting)
    return {name: value for name, value in fields.items() if name not in AXES}
