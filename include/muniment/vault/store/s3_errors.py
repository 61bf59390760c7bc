"""What a failure of S3, or of the way to it, means in the one error tree.

Sources of the codes: the S3 API reference, "Error responses"; "Conditional requests" for 409 and
412. A HEAD has no body, so there only the status speaks. Messages of the server are never repeated:
some carry access keys or the signed request.
"""

from __future__ import annotations

import re

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from muniment.errors import (
    ChecksumMismatch,
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreUnavailable,
    StoreUnsuitable,
)

FAILURES = (ClientError, BotoCoreError, HTTPError, ConnectionError, TimeoutError)
"""Everything that can come out of a boto3 call or of reading its body."""

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_EXISTS = {"PreconditionFailed", "412"}
_BAD_DIGEST = {
    "BadDigest",
    "InvalidDigest",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
_CLOCK = {"RequestTimeTooSkewed"}
_CREDENTIAL = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
_ARCHIVED = {"InvalidObjectState"}
_NO_BUCKET = {"NoSuchBucket"}
_UNSUITABLE = {"NotImplemented", "501", "EntityTooLarge"}
_CODE = re.compile(r"[A-Za-z0-9]{1,64}\Z")


def code_of(error: Exception) -> str:
    """The S3 error code, or the status as text, or "" for a failure before any answer."""
    if not isinstance(error, ClientError):
        return ""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if _CODE.match(code) else str(status_of(error))


def status_of(error: Exception) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def translate(error: Exception, to: str) -> StoreError:
    """The error to raise instead. `to` is the object's name, or the store's label."""
    if isinstance(error, ClientError):
        return _answered(code_of(error), status_of(error), to, error)
    if isinstance(error, boto.FlexibleChecksumError):
        return ChecksumMismatch("the bytes that arrived do not have the store's checksum", to=to)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return StoreDenied(
            "there is no credential for this store",
            to=to,
            todo="Name a file with the access key: `store` of the role in firm.yaml, or the variable "
            "MUNIMENT_S3_CREDENTIAL on the command line; in Airflow the destination's connection.",
        )
    if isinstance(error, boto.SSLError):
        return StoreUnavailable(
            "the store's certificate was not accepted",
            to=to,
            todo="Check this machine's clock and the CA file of the connection (`verify`). Never "
            "turn verification off.",
        )
    # Time-outs, refused and broken connections, bodies that end too soon.
    return StoreUnavailable(f"the store did not answer ({type(error).__name__})", to=to)


def _answered(code: str, status: int, to: str, error: ClientError) -> StoreError:
    if code in _EXISTS:
        return ObjectExists("the name is taken", to=to)
    if code in _NO_BUCKET:
        return StoreUnsuitable(
            "the bucket is not there", to=to, todo="Check the bucket's name, region and endpoint."
        )
    if code in _MISSING or _names_no_version(code, error):
        return ObjectMissing("the object is not in the store", to=to)
    if code in _BAD_DIGEST:
        return ChecksumMismatch("the store received bytes with another digest", to=to)
    if code in _CLOCK:
        return StoreDenied(
            "the store refused: this machine's clock is wrong", to=to, todo="Set the clock (NTP)."
        )
    if code in _ARCHIVED:
        return StoreDenied(
            "the object lies in an archive tier and cannot be read at once",
            to=to,
            todo="Restore it to a readable tier in the store's console, and take packs/ out of "
            "that lifecycle rule.",
        )
    if code in _UNSUITABLE:
        return StoreUnsuitable(f"the store cannot do what was asked ({code})", to=to)
    if status in (401, 403) or code in _CREDENTIAL:
        return StoreDenied(f"the store refused the credential ({code})", to=to)
    # 409 is two conditional writes that met; 429 and 503 are the store's limits.
    return StoreUnavailable(f"the store answered {status} ({code})", to=to)


def _names_no_version(code: str, error: ClientError) -> bool:
    """AWS answers 400 to a version id that it can never have given out."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    return code == "InvalidArgument" and "version id" in message.lower()
