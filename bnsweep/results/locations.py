"""Where a store is, a path or a URI of object storage, and the files there.

All else is built of the few operations that `LocalFiles` and `ObjectFiles` both have. A name is a path relative to the
store's root. What fails is a `StoreError` that names the file.
"""

from __future__ import annotations

import os
import re
import urllib.request
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.error import URLError
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store, from_url

from bnsweep.errors import InputError
from bnsweep.results.local import LocalFiles
from bnsweep.results.objects import Client, ObjectFiles

Files: TypeAlias = LocalFiles | ObjectFiles
QUICK, SLOW = "20s", "10min"
"""Time-outs of a request for little and for much."""
S3_QUERY = ("endpoint_override", "region", "scheme", "tls_verify_certificates")
CREDENTIALS = "credentials should be in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in ~/.aws/credentials"
EXAMPLE = "give a path or a URI such as s3://bucket/folder"


def open_files(location: str) -> Files:
    """Return the files at a path or a URI.

    Raises:
        InputError: no such place, or a local path that cannot be written.
    """
    if "://" not in location:
        return LocalFiles(_local(os.path.abspath(os.path.expanduser(location))))
    try:
        parts = urlsplit(location)
    except ValueError as error:
        raise _refusal(location, str(error)) from error
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise _refusal(location, f"{parts.netloc} is another machine")
        return LocalFiles(_local(os.path.normpath(unquote(parts.path))))
    if parts.scheme not in SCHEMES:
        raise _refusal(location, f"no such kind of store; there are {', '.join(SCHEMES)}")
    if not parts.netloc.rpartition("@")[2]:
        raise InputError(f"--out {shown(location)}: names no bucket; {EXAMPLE}")
    try:
        client = Client(*(SCHEMES[parts.scheme](parts, timeout) for timeout in (QUICK, SLOW)))
    except (BaseError, ValueError) as error:
        raise _refusal(location, str(error).partition("\n")[0]) from error
    root = shown(location).partition("?")[0].rstrip("/")
    return ObjectFiles(client, root, unquote(parts.path).strip("/"))


def shown(location: str) -> str:
    """Return a URI without the credentials in it."""
    return re.sub("//[^/]*:[^/]*@", "//", location)


def _refusal(location: str, problem: str) -> InputError:
    return InputError(f"--out {shown(location)}: cannot be opened ({problem}); {EXAMPLE}")


def _local(path: str) -> str:
    """Return a path that Arrow can open: one whose name is UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        known = path.encode(errors="backslashreplace").decode()
        raise InputError(
            f"{known}: the name is not UTF-8, as Arrow's paths must be; rename it, or give another"
        ) from error
    return path


def _query(parts: SplitResult, allowed: tuple[str, ...]) -> dict[str, str]:
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(given.keys() - {*allowed}):
        raise ValueError(f"'{unknown[0]}' is none of {', '.join(allowed) or 'what such a URI may say'}")
    return given


def _options(timeout: str, **others: Any) -> dict[str, Any]:
    """Return what every store is opened with: bnsweep tries again by itself."""
    return {
        "client_options": {"timeout": timeout, "connect_timeout": "5s", **others},
        "retry_config": {"max_retries": 0},
    }


def _s3(parts: SplitResult, timeout: str) -> S3Store:
    """Open S3, or what speaks its language at `endpoint_override`; credentials are the URI's, else those of boto3."""
    given, bucket = _query(parts, S3_QUERY), parts.netloc.rpartition("@")[2]
    config: dict[str, Any] = {}
    if parts.username and parts.password:
        config |= {"access_key_id": unquote(parts.username), "secret_access_key": unquote(parts.password)}
    elif "AWS_ACCESS_KEY_ID" not in os.environ:
        config |= _credentials()
    if endpoint := given.get("endpoint_override"):
        config["endpoint"] = f"{given.get('scheme', 'https')}://{endpoint}"
    region = given.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    has_endpoint = endpoint or "AWS_ENDPOINT_URL" in os.environ
    config["region"] = region or ("us-east-1" if has_endpoint else _region_of(bucket))
    insecure = given.get("tls_verify_certificates") in ("false", "0")
    http = given.get("scheme") == "http" or os.environ.get("AWS_ENDPOINT_URL", "").startswith("http:")
    options = _options(timeout, allow_http=http, allow_invalid_certificates=insecure)
    return S3Store(bucket, **config, **options)


def _credentials() -> dict[str, Any]:
    """Return what finds credentials as AWS's own tools do."""
    from obstore.auth.boto3 import Boto3CredentialProvider  # boto3 takes long to load

    try:
        return {"credential_provider": Boto3CredentialProvider()}
    except ValueError:
        raise ValueError(f"no credentials are found; {CREDENTIALS}") from None


def _region_of(bucket: str) -> str:
    """Return where Amazon says that a bucket is; also to those who may not read it."""
    request = urllib.request.Request(f"https://{bucket}.s3.amazonaws.com", method="HEAD")
    headers: Any = {}
    with suppress(OSError, ValueError):
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                headers = reply.headers
        except URLError as error:
            headers = getattr(error, "headers", None) or {}
    return str(headers.get("x-amz-bucket-region", "us-east-1"))


def _gcs(parts: SplitResult, timeout: str) -> GCSStore:
    _query(parts, ())
    config: dict[str, Any] = {"skip_signature": True} if parts.username == "anonymous" else {}
    return GCSStore(parts.netloc.rpartition("@")[2], **config, **_options(timeout))


def _azure(parts: SplitResult, timeout: str) -> AzureStore:
    _query(parts, ())
    store = from_url(f"{parts.scheme}://{parts.netloc}", **_options(timeout))
    assert isinstance(store, AzureStore)
    return store


SCHEMES = {"s3": _s3, "gs": _gcs, "gcs": _gcs, "az": _azure, "abfs": _azure, "abfss": _azure}
"""How to open each kind of object storage; all of them have conditional creation."""
