"""Wire: one connection to a file server: requests go out as bytes, several at a time, and answers come back.

`smbprotocol` negotiates, signs in (NTLM, Kerberos), derives the keys and connects to the share. Then its receiving thread
ends and the socket is read here. What is sent is encrypted, or at least signed; an answer that is neither is refused.

One thread asks at a time and the others wait; who wants several requests in flight takes several wires, or sends several
compounds at once.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import select
import socket
import struct
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from smbprotocol.connection import Ciphers, Connection, Dialects
from smbprotocol.exceptions import SMBAuthenticationError, SMBException, SMBResponseException
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from muniment.sources.smb import quiet as quiet
from muniment.sources.smb.packets import (
    ENCRYPTED_MARK,
    HEADER,
    MARK,
    TRANSFORM,
    UNIT,
    Request,
    ns_of,
)
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.statuses import PENDING, SmbLost, SmbStatus

SIGNED, RELATED, ANSWER, ASYNC = 0x8, 0x4, 0x1, 0x2
CREDITS = 512
"""How many are asked for, so that a listing never waits for one."""
CONNECT_SECONDS, ANSWER_SECONDS = 20.0, 90.0
"""A server that does not answer for so long is taken for gone. Windows waits 60 seconds."""
_LARGEST = 16 << 20
_TOGETHER = 1 << 16
"""Bytes. A server answers what it has; what it does not read yet must not wait for us to read its answers."""

Answer = tuple[int, bytes]
"""Status and body."""


class NoEncryption(Exception):
    """Encryption is asked for and the server has none."""


class Wire:
    """A session on one share.

    Raises of every method: SmbStatus for what the server refuses, SmbLost where the connection is gone; of the constructor
    also NoEncryption.
    """

    def __init__(self, place: Place, account: Account) -> None:
        connection = _Handed(uuid.uuid4(), place.server, place.port, require_signing=True)
        try:
            connection.connect(timeout=CONNECT_SECONDS)
            if account.encrypt and not connection.supports_encryption:
                raise NoEncryption
            session = Session(
                connection, account.name, account.password, require_encryption=account.encrypt
            )
            session.connect()
            tree = TreeConnect(session, place.unc)
            tree.connect()
        except SMBResponseException as error:
            connection.give_up()
            raise SmbStatus(int(error.status)) from None
        except SMBAuthenticationError:
            connection.give_up()
            raise SmbStatus(0xC000006D) from None
        except (SMBException, OSError, ValueError, struct.error):
            # `smbprotocol` says ValueError for a server that cannot be reached; texts name the server only.
            connection.give_up()
            raise SmbLost("no connection") from None
        except BaseException:
            connection.give_up()
            raise
        self._session_id = int(session.session_id)
        self._tree_id = int(tree.tree_connect_id)
        self._encrypts = bool(session.encrypt_data or tree.encrypt_data)
        self._connection = connection
        self._session = session
        self._multi = bool(connection.supports_multi_credit)
        limit = UNIT if not self._multi else 1 << 20
        self.most_read = min(int(connection.max_read_size), limit)
        self.most_written = min(int(connection.max_write_size), limit)
        self.most_listed = min(int(connection.max_transact_size), limit)
        self.ahead_ns = connection.ahead_ns
        self._sign = self._signer()
        self._busy = threading.Lock()
        if self._encrypts:
            gcm = connection.dialect >= Dialects.SMB_3_1_1 and connection.cipher_id in (
                Ciphers.AES_128_GCM, Ciphers.AES_256_GCM,
            )  # fmt: skip
            make: Any = AESGCM if gcm else AESCCM
            self._nonce = 12 if gcm else 11
            self._lock, self._unlock = make(session.encryption_key), make(session.decryption_key)
        self._socket = connection.hand_over()
        self._socket.settimeout(ANSWER_SECONDS)
        self._next = int(connection.sequence_window["low"])
        self._credits = int(connection.sequence_window["high"]) - self._next
        self._buffer = bytearray()
        self.open = True

    @property
    def dialect(self) -> str:
        return f"{int(self._connection.dialect):x}"

    @property
    def encrypted(self) -> bool:
        return self._encrypts

    def close(self) -> None:
        """Ends the connection; the server then forgets session and open files."""
        if self.open:
            self.open = False
            with contextlib.suppress(OSError):
                self._socket.close()

    # -- asking ------------------------------------------------------------------------------------

    def ask(self, *requests: Request) -> list[Answer]:
        """One compound, of requests on the same file; answers in their order."""
        return self.ask_many([requests])[0]

    def ask_many(self, compounds: Sequence[Sequence[Request]]) -> list[list[Answer]]:
        """Several compounds, sent before the first answer is awaited as far as the server's credits go."""
        with self._busy:
            return self._ask_many(compounds)

    def _ask_many(self, compounds: Sequence[Sequence[Request]]) -> list[list[Answer]]:
        answers: dict[int, Answer] = {}
        ids: list[list[int]] = []
        waiting: set[int] = set()
        # Small ones go out together: each call to the system costs as much as building one.
        going = bytearray()
        if not self.open:
            raise SmbLost("closed")
        try:
            for compound in compounds:
                cost = sum(request.charge for request in compound) if self._multi else len(compound)
                if cost > self._credits or len(going) > _TOGETHER:
                    self._socket.sendall(going)
                    going.clear()
                while cost > self._credits and waiting:
                    self._receive(answers, waiting)
                if cost > self._credits:
                    raise SmbLost("the server gives no credits")
                sent = self._frame_of(compound, going)
                ids.append(sent)
                waiting.update(sent)
            self._socket.sendall(going)
            while waiting:
                self._receive(answers, waiting)
        except (OSError, struct.error, InvalidTag) as error:
            self.close()
            raise SmbLost(type(error).__name__) from None
        except SmbLost:
            self.close()
            raise
        return [[answers[one] for one in each] for each in ids]

    def ask_one(self, request: Request) -> bytes:
        """Raises SmbStatus unless it succeeds."""
        status, body = self.ask(request)[0]
        if status:
            raise SmbStatus(status)
        return body

    def _frame_of(self, compound: Sequence[Request], going: bytearray) -> list[int]:
        """Appends it to what is going out."""
        frame = bytearray()
        ids = []
        last = len(compound) - 1
        for number, request in enumerate(compound):
            charge = request.charge if self._multi else 1
            body = request.body
            length = 64 + len(body)
            pad = -length % 8 if number < last else 0
            flags = RELATED if number else 0
            if not self._encrypts:
                flags |= SIGNED
            head = HEADER.pack(
                MARK, 64, charge if self._multi else 0, 0, request.command, CREDITS, flags,
                length + pad if number < last else 0, self._next, 0, self._tree_id, self._session_id, bytes(16),
            )  # fmt: skip
            packet = head + body + bytes(pad)
            if not self._encrypts:
                mark = self._sign(packet, self._next, False, request.command)
                packet = packet[:48] + mark + packet[64:]
            frame += packet
            ids.append(self._next)
            self._next += charge
            self._credits -= charge
        data = self._sealed(bytes(frame)) if self._encrypts else bytes(frame)
        going += len(data).to_bytes(4, "big")
        going += data
        return ids

    def _sealed(self, data: bytes) -> bytes:
        nonce = os.urandom(self._nonce)
        head = TRANSFORM.pack(ENCRYPTED_MARK, bytes(16), nonce, len(data), 0, 1, self._session_id)
        sealed = self._lock.encrypt(nonce, data, head[20:])
        return bytes(head[:4] + sealed[-16:] + head[20:] + sealed[:-16])

    # -- hearing -----------------------------------------------------------------------------------

    def _receive(self, answers: dict[int, Answer], waiting: set[int]) -> None:
        """One frame. Raises OSError, SmbLost."""
        data = self._frame()
        if data[:4] == ENCRYPTED_MARK:
            if not self._encrypts:
                raise SmbLost("encrypted where nothing was agreed")
            nonce = data[20 : 20 + self._nonce]
            data = self._unlock.decrypt(nonce, data[52:] + data[4:20], data[20:52])
        elif self._encrypts:
            raise SmbLost("an answer in the clear")
        at = 0
        while True:
            _, _, _, status, command, granted, flags, step, message, _, _, _, mark = (
                HEADER.unpack_from(data, at)
            )
            end = at + step if step else len(data)
            self._credits += granted
            if status == PENDING and flags & ASYNC:
                pass
            elif message in waiting:
                if not self._encrypts:
                    self._prove(data[at:end], message, command, flags, mark)
                answers[message] = status, data[at + 64 : end]
                waiting.discard(message)
            if not step:
                return
            at += step

    def _prove(self, packet: bytes, message: int, command: int, flags: int, mark: bytes) -> None:
        blank = packet[:48] + bytes(16) + packet[64:]
        signed = flags & SIGNED and hmac.compare_digest(
            mark, self._sign(blank, message, True, command)
        )
        if not signed:
            raise SmbLost("an answer without a valid signature")

    def _frame(self) -> bytes:
        length = int.from_bytes(self._exactly(4), "big")
        if not 64 <= length <= _LARGEST:
            raise SmbLost("no SMB answer")
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        buffer = self._buffer
        while len(buffer) < length:
            piece = self._socket.recv(max(65536, length - len(buffer)))
            if not piece:
                raise SmbLost("closed")
            buffer += piece
        found = bytes(buffer[:length])
        del buffer[:length]
        return found

    def _signer(self) -> Any:
        generate, key = self._connection._generate_signature, self._session.signing_key

        def sign(packet: bytes, message: int, answer: bool, command: int) -> bytes:
            return bytes(generate(packet, key, message, answer, command))

        return sign


class _Handed(Connection):  # type: ignore[misc]
    """A connection of `smbprotocol` whose receiving thread can be ended without ending the connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wake_out, self._wake_in = os.pipe()

    transport: Any

    def _process_message_thread(self) -> None:
        self.transport = _Heard(self.transport, self._wake_out)
        super()._process_message_thread()

    @property
    def ahead_ns(self) -> int:
        """How far the server's clock is ahead of ours: its answer to NEGOTIATE tells its time ([MS-SMB2] 2.2.4)."""
        answer = self.preauth_integrity_hash_value[-1]
        told = int.from_bytes(answer[104:112], "little")
        return ns_of(told) - self._asked_ns if told else 0

    def _send_smb2_negotiate(self, *args: Any, **kwargs: Any) -> Any:
        self._asked_ns = time.time_ns()
        return super()._send_smb2_negotiate(*args, **kwargs)

    def hand_over(self) -> socket.socket:
        """Ends the thread; the socket is the caller's."""
        os.write(self._wake_in, b"x")
        self._t_worker.join(CONNECT_SECONDS)
        found: socket.socket = self.transport.inner._sock
        own = socket.socket(fileno=os.dup(found.fileno()))
        found.close()
        self._close_pipe()
        return own

    def give_up(self) -> None:
        with contextlib.suppress(Exception):
            if self.transport is not None:
                self.disconnect(False)
        self._close_pipe()

    def _close_pipe(self) -> None:
        for end in (self._wake_out, self._wake_in):
            with contextlib.suppress(OSError):
                os.close(end)
        self._wake_out = self._wake_in = -1


class _Heard:
    """A transport whose `recv` also ends when it is woken, as at the end of a connection."""

    def __init__(self, inner: Any, wake: int) -> None:
        self.inner = inner
        self._wake = wake

    def recv(self, timeout: float) -> bytes:
        ready = select.select([self.inner._sock, self._wake], [], [], timeout)[0]
        if not ready or self._wake in ready:
            return b""
        received: bytes = self.inner.recv(timeout)
        return received

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
