"""An answer that is no success. platform.yaml: errors."""

from __future__ import annotations

from typing import Any

# platform.yaml: errors.body - the keys were not seen by anyone; so their form is a setting.
SHAPES = ("errorCode", "error", "nested")


class ApiError(Exception):
    """`headers` go with the answer."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self, shape: str) -> dict[str, Any]:
        """examples.json: not_found, throttle, expired - three samples, three forms"""
        if shape == "error":
            return {"error": self.code}
        if shape == "nested":
            return {"error": {"code": self.code, "message": self.message}}
        return {"errorCode": self.code, "message": self.message}


def bad_request(message: str, code: str = "InvalidParameter") -> ApiError:
    return ApiError(400, code, message)


def unauthorized(message: str = "The access token is missing or has ended") -> ApiError:
    """platform.yaml: errors.statuses"""
    return ApiError(401, "Unauthorized", message)


def forbidden(message: str) -> ApiError:
    """platform.yaml: errors.statuses - rights"""
    return ApiError(403, "AccessDenied", message)


def not_found() -> ApiError:
    """platform.yaml: errors.statuses - unknown or not visible: the two look the same"""
    return ApiError(404, "NotFound", "The item does not exist or you do not have access")


def not_simulated(what: str) -> ApiError:
    """So that no test takes a gap of the simulator for an answer of the vendor."""
    return ApiError(501, "NotSimulated", what)
