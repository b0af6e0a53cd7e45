"""Google Compute Engine's resource Instance, as far as a cluster file may use it, to check files without a project.

Fields as in the REST reference of `instances.insert`, v1; a field that is not here is refused. Ray itself completes
`machineType`, and no other name, to the path that the API wants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]

DISK_TYPES = {
    "e2": {"pd-standard", "pd-balanced", "pd-ssd"},
    "n1": {"pd-standard", "pd-balanced", "pd-ssd"},
    "g2": {"pd-balanced", "pd-ssd"},
    "a2": {"pd-standard", "pd-balanced", "pd-ssd"},
    "a3": {"pd-balanced", "pd-ssd"},
}
"""Boot disks of each machine series: https://cloud.google.com/compute/docs/machine-resource, "Disk support"."""
DEFAULT_DISK_TYPE = "pd-standard"
"""Of a disk that names none (`initializeParams.diskType`)."""
MIGRATE = {"e2": True, "n1": False, "g2": False, "a2": False, "a3": False}
"""Whether a machine of the series may be moved while it runs; with GPUs, onHostMaintenance must be TERMINATE."""


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
BOOT_DISK = _object(
    required=("boot", "autoDelete", "initializeParams"),  # or the disk stays, and costs, when its machine has gone
    boot={"const": True},
    autoDelete={"const": True},
    type={"enum": ["PERSISTENT", "SCRATCH"]},
    initializeParams=_object(
        required=("diskSizeGb", "sourceImage"),
        diskSizeGb={"type": "integer", "minimum": 10},
        diskType={"type": "string", "pattern": r"^zones/[a-z0-9-]+/diskTypes/[a-z-]+$"},
        sourceImage={"type": "string", "pattern": r"^projects/[a-z0-9-]+/global/images/family/[a-z0-9-]+$"},
    ),
)
INSTANCE = _object(
    required=("machineType", "disks"),
    machineType={"type": "string", "pattern": r"^[a-z]\d[a-z]*-[a-z]+-\d+g?$"},
    disks={"type": "array", "items": BOOT_DISK, "minItems": 1},
    scheduling=_object(
        onHostMaintenance={"enum": ["MIGRATE", "TERMINATE"]},
        automaticRestart=FLAG,
        provisioningModel={"enum": ["STANDARD", "SPOT"]},
        instanceTerminationAction={"enum": ["STOP", "DELETE"]},
    ),
    serviceAccounts={
        "type": "array",
        "items": _object(required=("email", "scopes"), email=TEXT, scopes={"type": "array", "items": TEXT}),
    },
)


def problems(instance: Any, zone: str) -> list[str]:
    """Return what Compute Engine would refuse in a node's configuration, each problem after its path."""
    errors = [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(INSTANCE).iter_errors(instance)
    ]
    return errors or list(_contradictions(instance, zone))


def _contradictions(instance: Any, zone: str) -> Iterator[str]:
    """Yield what is refused although each field is right."""
    series = instance["machineType"].partition("-")[0]
    for disk in instance["disks"]:
        where, _, disk_type = disk["initializeParams"].get("diskType", DEFAULT_DISK_TYPE).rpartition("/diskTypes/")
        if disk_type not in DISK_TYPES[series]:
            yield f"disks: {instance['machineType']} takes no {disk_type}"
        if where and where != f"zones/{zone}":
            yield f"disks: in {where}, the machine in {zone}"
    if not MIGRATE[series] and instance.get("scheduling", {}).get("onHostMaintenance") != "TERMINATE":
        yield f"scheduling: {instance['machineType']} cannot be moved, onHostMaintenance must be TERMINATE"


def driver_of(image: str) -> int | None:
    """Return the branch of the NVIDIA driver that an image family of Google's Deep Learning VMs has."""
    found = re.search(r"-nvidia-(\d+)$", image)
    return int(found[1]) if found else None
