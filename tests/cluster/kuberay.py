"""KubeRay's custom resource RayJob, field by field, to check files without a Kubernetes.

Fields, types and what is required as in the CRD `rayjobs.ray.io`, version v1, of KubeRay 1.6 (its API reference,
docs/reference/api.md in ray-project/kuberay); what the operator fills in itself is left out. A field that is not here
is refused. What KubeRay takes from Kubernetes is checked by Kubernetes' own schemas.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

KUBERNETES = "v1.34.0-local-strict/_definitions.json"  # strict: unknown fields are refused

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
NUMBER: Schema = {"type": "number"}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}


def _choice(*values: str) -> Schema:
    return {"enum": list(values)}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _core(kind: str) -> Schema:
    return {"$ref": f"kubernetes#/$defs/io.k8s.api.core.v1.{kind}"}


AUTHENTICATION = _object(mode=_choice("disabled", "token"), secretName=TEXT, enableK8sTokenAuth=FLAG)
AUTOSCALER = _object(
    resources=_core("ResourceRequirements"),
    image=TEXT,
    imagePullPolicy=TEXT,
    securityContext=_core("SecurityContext"),
    idleTimeoutSeconds=COUNT,
    upscalingMode=_choice("Default", "Aggressive", "Conservative"),
    version=_choice("v1", "v2"),
    env=_many(_core("EnvVar")),
    envFrom=_many(_core("EnvFromSource")),
    volumeMounts=_many(_core("VolumeMount")),
)
HEAD = _object(
    required=("template",),
    template=_core("PodTemplateSpec"),
    headService=_core("Service"),
    enableIngress=FLAG,
    resources=TEXTS,
    labels=TEXTS,
    rayStartParams=TEXTS,
    serviceType=TEXT,
)
WORKERS = _object(
    required=("groupName", "template"),
    suspend=FLAG,
    groupName=TEXT,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    idleTimeoutSeconds=COUNT,
    resources=TEXTS,
    labels=TEXTS,
    rayStartParams=TEXTS,
    template=_core("PodTemplateSpec"),
    scaleStrategy=_object(workersToDelete=_many(TEXT)),
    numOfHosts=COUNT,
)
CLUSTER = _object(
    required=("headGroupSpec",),
    upgradeStrategy=_object(type=_choice("Recreate", "None")),
    authOptions=AUTHENTICATION,
    suspend=FLAG,
    managedBy=TEXT,
    autoscalerOptions=AUTOSCALER,
    headServiceAnnotations=TEXTS,
    enableInTreeAutoscaling=FLAG,
    headGroupSpec=HEAD,
    rayVersion=TEXT,
    workerGroupSpecs=_many(WORKERS),
)
JOB = _object(
    activeDeadlineSeconds=COUNT,
    backoffLimit=COUNT,
    rayClusterSpec=CLUSTER,
    submitterPodTemplate=_core("PodTemplateSpec"),
    metadata=TEXTS,
    clusterSelector=TEXTS,
    submitterConfig=_object(backoffLimit=COUNT),
    managedBy=TEXT,
    entrypoint=TEXT,
    runtimeEnvYAML=TEXT,
    jobId=TEXT,
    submissionMode=_choice("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
    entrypointResources=TEXT,
    entrypointNumCpus=NUMBER,
    entrypointNumGpus=NUMBER,
    ttlSecondsAfterFinished=COUNT,
    preRunningDeadlineSeconds=COUNT,
    shutdownAfterJobFinishes=FLAG,
    suspend=FLAG,
)
RAY_JOB = _object(
    required=("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata={"$ref": "kubernetes#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
    spec=JOB,
)


def problems(resource: Any) -> list[str]:
    """Return what a Kubernetes with KubeRay would refuse in a RayJob, each problem after its path."""
    core = json.loads((files("kubernetes_validate") / "kubernetes-json-schema" / KUBERNETES).read_text())
    registry: Registry[Any] = Registry().with_resource("kubernetes", DRAFT202012.create_resource(core))
    errors = Draft202012Validator(RAY_JOB, registry=registry).iter_errors(resource)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
