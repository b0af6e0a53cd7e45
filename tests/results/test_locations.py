"""Where a store may be: what is opened, and what is refused before any work is done, without showing secrets."""

from __future__ import annotations

import pytest
from moto import settings

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.objects import ObjectFiles
from tests.s3 import s3_uri


def test_credentials_that_are_wrong_or_missing_are_an_input_error(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # the server checks them from now on
    wrong = Store.open(s3_uri(endpoint, "x").replace("//", "//wrong:secret@", 1))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for use_them in (wrong.check_writable, lambda: Store.open(s3_uri(endpoint, "x"))):
        with pytest.raises(
            InputError, match=r"cannot be .* \(.*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) as refused:
            use_them()
        assert ":secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gopher://x", r"--out gopher://x: cannot be opened \(no such kind of store; there are s3, gs, "),
        ("s3://user:secret@bucket/x?nonsense=1", r"--out s3://bucket/x.nonsense=1: cannot be opened .*'nonsense'"),
        ("gs://bucket/x?nonsense=1", r"--out gs://bucket/x.nonsense=1: cannot be opened .*'nonsense'"),
        ("s3://?scheme=http", "names no bucket; give a path or a URI such as s3://bucket/folder"),
        ("file://elsewhere/x", "cannot be opened .elsewhere is another machine"),
        ("az://container/x", "--out az://container/x: cannot be opened .*[Aa]ccount"),
    ],
)
def test_a_uri_that_cannot_be_opened_is_an_input_error_without_secrets(uri: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        Store.open(uri)
    assert "secret" not in str(refused.value)


def test_other_stores_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
    for uri in (
        "gs://anonymous@bucket/x/y",
        "az://container/x/y",
        "abfss://container@account.dfs.core.windows.net/x/y",
    ):
        files = Store.open(uri).files
        assert isinstance(files, ObjectFiles)
        assert files.prefix == "x/y"
        assert files.path("trials").startswith(uri)
