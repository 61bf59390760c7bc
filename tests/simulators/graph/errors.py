"""An answer that is no success. examples: throttling; subset: error."""

from __future__ import annotations


class GraphError(Exception):
    """`code` is what a program goes by; `headers` go with the answer; `inner` stands in innerError."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, inner: dict[str, str] | None = None
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.inner = inner or {}


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def unauthorized(message: str = "Lifetime validation failed, the token is expired.") -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", message)


def denied(service: str) -> GraphError:
    """Without the role. Each service has words of its own."""
    if service == "outlook":
        return GraphError(
            403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
        )
    if service == "files":
        return GraphError(403, "accessDenied", "Access denied")
    return GraphError(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
    )


def scoped_out() -> GraphError:
    """microsoft365.md: Permissions - a mailbox the application may not see"""
    return GraphError(403, "ErrorAccessDenied", "Access to OData is disabled.")


def item_not_found() -> GraphError:
    """microsoft365.md: Mail - ErrorItemNotFound"""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def file_not_found() -> GraphError:
    return GraphError(404, "itemNotFound", "The resource could not be found.")


def resource_not_found(what: str) -> GraphError:
    return GraphError(
        404, "Request_ResourceNotFound",
        f"Resource '{what}' does not exist or one of its queried reference-property objects are not present.",
    )  # fmt: skip


def malformed_id() -> GraphError:
    return bad_request("Id is malformed.", "ErrorInvalidIdMalformed")


def no_mailbox() -> GraphError:
    """microsoft365.md: Mail - MailboxNotEnabledForRESTAPI"""
    return GraphError(
        404, "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )  # fmt: skip


def not_simulated(what: str) -> GraphError:
    """What the vendor can do and this program cannot: told, never guessed."""
    return GraphError(501, "NotSimulated", f"The simulator does not know {what}")
