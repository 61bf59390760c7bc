"""Frames: the Zstandard frames of a pack, each of which can be read by itself.

Nouns
    Frame   one Zstandard frame (RFC 8878, section 3.1.1) of about 4 MiB of tar stream.

Invariants
- Nothing a frame says of itself is believed before it is bounded: memory for one frame is at most
  `MAX_FRAME` and its compressed bytes, whoever wrote it.
- A frame's end is found by walking its block headers, without decompressing: a library that is asked
  to find it by decompressing would first have to hold what comes out.
"""

from __future__ import annotations

import struct

import zstandard

from muniment.errors import FormatError

MAX_FRAME = 72 << 20
"""Bytes, decompressed. docs/FORMAT.md, section 3."""

MAX_PACK = 256 << 20
"""Bytes of tar stream. docs/FORMAT.md, section 3."""

MAX_COMPRESSED = MAX_FRAME + (MAX_FRAME >> 8) + 4096
"""Bytes. More than any compressor makes of `MAX_FRAME` (its own bound is n + n/256 + a little)."""

MAX_SEALED = MAX_PACK + (MAX_PACK >> 6)
"""Bytes of a pack as stored: a full one that does not compress, its tags and its header."""

MAX_WINDOW = 128 << 20
"""Bytes. What `zstd -d` accepts unasked; nobody may need `--memory` to recover by hand."""

PARAMETERS = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_FAST,
    window_log=22,
    hash_log=16,
    chain_log=12,
    search_log=1,
    min_match=6,
    target_length=0,
    write_content_size=True,
)
"""The fast strategy of zstd, looking through a whole frame. Against level 3 it takes 30 % less CPU and 0.7 % more
room, which the order of members (`backup/extract.py`) gives back; level 2 takes 36 % less and 1.2 % more, level
6 45 % more and 1 % less (docs/decisions/0007)."""

_NOT_WHOLE = "a frame of a pack is not one whole Zstandard frame"
_MAGIC = 0xFD2FB528
_RLE, _COMPRESSED = 1, 2
_BLOCK_HEADER = 3
_WORD = struct.Struct("<I")


class FrameCompressor:
    """Makes frames that declare their content size. For one thread."""

    def __init__(self, level: int | None = None) -> None:
        """`level` of zstd instead of `PARAMETERS`."""
        # No checksum: age authenticates the frame, and each member is named by its SHA-256.
        if level is None:
            self._compressor = zstandard.ZstdCompressor(compression_params=PARAMETERS)
        else:
            self._compressor = zstandard.ZstdCompressor(level=level, write_content_size=True)

    def compress(self, data: bytes | bytearray | memoryview) -> bytes:
        """Lets go of the GIL."""
        return bytes(self._compressor.compress(data))


def decompress_frame(frame: bytes | memoryview) -> bytes:
    """The content of exactly one frame. Lets go of the GIL. Raises FormatError, also for a frame
    that the `zstd` program would not open without being told to."""
    try:
        declared = zstandard.frame_content_size(frame)
        if declared > MAX_FRAME:
            raise FormatError("a frame of a pack claims to be larger than a frame may be")
        if zstandard.get_frame_parameters(frame).window_size > MAX_WINDOW:
            raise FormatError("a frame of a pack wants a larger window than `zstd` gives it")
        decompressor = zstandard.ZstdDecompressor()
        if declared == 0:
            # The one-shot call below takes a declared zero for the content without looking.
            return _nothing(decompressor, frame)
        # Without a declared size this is also what the result is bounded by.
        data = decompressor.decompress(frame, max_output_size=MAX_FRAME, allow_extra_data=False)
    except zstandard.ZstdError:
        raise FormatError(_NOT_WHOLE) from None
    return bytes(data)


def decompress_into(frame: memoryview, room: bytearray) -> int | None:
    """As `decompress_frame`, into the start of `room`; how many bytes that were, or None where it does not fit or does not say how
    large it is. `frame` is what `FrameScan` found, so nothing stands behind it. Lets go of the GIL."""
    try:
        declared = zstandard.frame_content_size(frame)
        if not 0 < declared <= len(room):
            return None
        if zstandard.get_frame_parameters(frame).window_size > MAX_WINDOW:
            raise FormatError("a frame of a pack wants a larger window than `zstd` gives it")
        with memoryview(room) as whole, whole[:declared] as target:
            # Where all of a frame and room for all of its content are there, zstd decompresses straight into it.
            filled = zstandard.ZstdDecompressor().stream_reader(frame).readinto(target)
    except zstandard.ZstdError:
        raise FormatError(_NOT_WHOLE) from None
    if filled != declared:
        raise FormatError(_NOT_WHOLE)
    return declared


def _nothing(decompressor: zstandard.ZstdDecompressor, frame: bytes | memoryview) -> bytes:
    if FrameScan().length(frame) != len(frame) or decompressor.stream_reader(frame).read(1):
        raise FormatError(_NOT_WHOLE)
    return b""


class FrameScan:
    """Finds where the frame at the start of a growing buffer ends.

    Each block header is looked at once, however often and in however small pieces bytes arrive.
    """

    def __init__(self) -> None:
        self._position = 0
        self._checksum = 0

    def length(self, data: bytes | bytearray | memoryview) -> int | None:
        """Compressed bytes of the frame that `data` begins with; None when its end is not there yet.

        After an answer the next call begins anew, with the next frame. Raises FormatError for what
        is not a frame, and for one longer than `MAX_COMPRESSED`.
        """
        if self._position == 0 and not self._begin(data):
            return None
        end = self._blocks(data)
        if end is not None:
            self._position = 0
        return end

    def _begin(self, data: bytes | bytearray | memoryview) -> bool:
        if len(data) < 5:
            return False
        if _WORD.unpack_from(data)[0] != _MAGIC:
            raise FormatError("a pack holds something that is not a Zstandard frame")
        descriptor = data[4]
        single_segment = descriptor >> 5 & 1
        window_bytes = 1 - single_segment
        dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
        size_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
        self._position = 5 + window_bytes + dictionary_bytes + size_bytes
        self._checksum = 4 if descriptor >> 2 & 1 else 0
        return True

    def _blocks(self, data: bytes | bytearray | memoryview) -> int | None:
        position, available = self._position, len(data)
        while position + _BLOCK_HEADER <= available:
            block = data[position] | data[position + 1] << 8 | data[position + 2] << 16
            last, kind, size = block & 1, block >> 1 & 3, block >> 3
            if kind > _COMPRESSED:
                raise FormatError("a frame of a pack has a block of an unknown kind")
            end = position + _BLOCK_HEADER + (1 if kind == _RLE else size)
            if end > MAX_COMPRESSED:
                raise FormatError("a frame of a pack is longer than a frame may be")
            if last:
                end += self._checksum
                self._position = position
                return end if end <= available else None
            position = end
        self._position = position
        return None
