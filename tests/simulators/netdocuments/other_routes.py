"""Calls of the swagger that nothing a backup or a restore does needs: 501 tells them from a wrong path."""

from __future__ import annotations

from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import Call, route
from tests.simulators.netdocuments.errors import not_simulated


@route("POST", "/v1/Folder/{}/follow", scope="organize")
@route("POST", "/v1/Document/follow", scope="organize")
@route("POST", "/v1/Document/createsecuredlink", scope="edit")
@route("POST", "/v1/Repository/{}/group", scope="admin")
@route("DELETE", "/v1/Repository/{}/group/{}", scope="admin")
@route("POST", "/v1/User", scope="admin")
@route("POST", "/v1/Repository/{}/members", scope="admin")
@route("POST", "/v1/Cabinet/{}/membership", scope="admin")
@route("POST", "/v2/Cabinet/{}/group/external", scope="admin")
@route("POST", "/v1/Group/{}/members", scope="admin")
def elsewhere(call: Call, *parts: str) -> Answer:
    raise not_simulated("Administration is done by people, and here by the control interface")
