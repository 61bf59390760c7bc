"""An answer that is no success. platform.yaml: errors."""

from __future__ import annotations


class ApiError(Exception):
    """`type` is the text of error.type; `headers` go with the answer."""

    def __init__(
        self, status: int, type_: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.message = message
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, dict[str, str]]:
        """platform.yaml: errors.body"""
        return {"error": {"type": self.type, "message": self.message}}


def invalid_fields(message: str) -> ApiError:
    """examples.json: bad_field, second_level_braces"""
    return ApiError(400, "InvalidFields", message)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "ArgumentError", message)


def unauthorized(message: str = "The access token is missing, expired or revoked") -> ApiError:
    """platform.yaml: errors.statuses.401"""
    return ApiError(401, "Unauthorized", message)


def forbidden(message: str) -> ApiError:
    """platform.yaml: errors.statuses.403 - permission or scope"""
    return ApiError(403, "Forbidden", message)


def not_found(what: str = "The record") -> ApiError:
    """platform.yaml: errors.statuses.404 - not found or not visible: the two look the same"""
    return ApiError(404, "RecordNotFound", f"{what} could not be found")


def unprocessable(message: str, type_: str = "ArgumentError") -> ApiError:
    """platform.yaml: errors.statuses.422 - validation"""
    return ApiError(422, type_, message)
