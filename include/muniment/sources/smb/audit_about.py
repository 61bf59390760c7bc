"""What an audit of a share asks beside content: permissions and streams of one file or folder, and whether the server tells
when they were changed. By `smbclient` and the requests of `smbprotocol`; see `audit`.
"""

from __future__ import annotations

import base64
from typing import Any

import smbclient
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import (
    FileInformationClass,
    FileStreamInformation,
    InfoType,
)
from smbprotocol.open import (
    FilePipePrinterAccessMask,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
)

from muniment.model.text import text_of

DESCRIPTOR = "descriptor"
_ROOM = 65536
_LOOK = (
    FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
    | FilePipePrinterAccessMask.READ_CONTROL
    | FilePipePrinterAccessMask.SYNCHRONIZE
)
_OWNER_GROUP_DACL = 7
_OBJECT_ID = 8
"""FileFsObjectIdInformation ([MS-FSCC] 2.5.6): Samba says there who it is."""
_SAMBA = (0x536D4261).to_bytes(4, "little")


def about(path: str, kind: str, login: dict[str, Any], *, streams: bool) -> dict[str, Any]:
    """`descriptor` in base64 and `streams` by name, as a row has them. Raises SMBException, OSError, ValueError."""
    with _opened(path, kind, login) as file:
        told = _ask(file, InfoType.SMB2_0_INFO_SECURITY, 0, _OWNER_GROUP_DACL)
        found: dict[str, Any] = {DESCRIPTOR: base64.b64encode(told).decode()}
        if streams:
            listed = _ask(
                file, InfoType.SMB2_0_INFO_FILE, FileInformationClass.FILE_STREAM_INFORMATION
            )
            found["streams"] = _names(listed)
        return found


def is_dated(path: str, login: dict[str, Any]) -> bool:
    """Does the server tell when permissions and streams were changed? Samba does not. Raises SMBException, OSError."""
    with _opened(path, "dir", login) as file:
        try:
            told = _ask(file, InfoType.SMB2_0_INFO_FILESYSTEM, _OBJECT_ID)
        except SMBResponseException:
            return True
    return told[16:20] != _SAMBA


def _opened(path: str, kind: str, login: dict[str, Any]) -> Any:
    return smbclient.open_file(
        path, mode="rb", buffering=0, file_type=kind, share_access="rwd", desired_access=_LOOK, **login
    )  # fmt: skip


def _ask(file: Any, of: int, what: int, more: int = 0) -> bytes:
    request = SMB2QueryInfoRequest()
    request["info_type"] = of
    request["file_info_class"] = what
    request["additional_information"] = more
    request["file_id"] = file.fd.file_id
    request["output_buffer_length"] = _ROOM
    tree, connection = file.fd.tree_connect, file.fd.connection
    sent = connection.send(request, tree.session.session_id, tree.tree_connect_id)
    answer = SMB2QueryInfoResponse()
    answer.unpack(connection.receive(sent)["data"].get_value())
    return bytes(answer["buffer"].get_value())


def _names(listed: bytes) -> list[str]:
    found = []
    while listed:
        entry = FileStreamInformation()
        entry.unpack(listed)
        name = str(entry["stream_name"].get_value()).split(":")[1]
        if name:
            found.append(text_of(name.encode()))
        step = int(entry["next_entry_offset"].get_value())
        listed = listed[step:] if step else b""
    return found
