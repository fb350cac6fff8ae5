"""Zip files that are read member by member, and checked first: number, names, places, sizes and checksums.

Readers of zip files disagree about unusual ones: with data before or behind the archive, with members of one name or
over each other, with sizes that differ from place to place. Such files are refused, so that what is checked is what is
read, and what is read is no larger than what is stated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST_MEMBERS = 100_000
"""Members of one file."""

EXPANSION = 10
"""Members may be this many times as large together as the file, if they are compressed."""

FREE_EXPANSION = 256 * 2**20
"""Bytes that the members of any file may have together."""

_LARGEST_TABLE = 200 * MOST_MEMBERS
"""Bytes of the table of the members at the end of the file."""

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_CHUNK = 2**20


class BadArchive(ValueError):
    """A zip file is damaged, unusual or too large; the text is a clause that says why."""


class Member(NamedTuple):
    """One member of a zip file."""

    name: str
    start: int
    """The position of its first byte in the file."""
    packed: int
    """Its bytes in the file."""
    size: int
    """Its bytes, once they are decompressed."""
    checksum: int
    """The CRC-32 of these."""
    is_compressed: bool


class Archive:
    """An open zip file; BadArchive unless it is whole and usual, and not too large.

    It is too large if it has more than ``MOST_MEMBERS`` members, or if they are larger together than ``EXPANSION``
    times the file, and than ``FREE_EXPANSION``.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        size = file.seek(0, 2)
        table, count = _table(file, size)
        found = list(_listed(file, table, count))
        self.members = {member.name: member for member in found}
        if len(self.members) < len(found):
            raise BadArchive("it has several members of one name")
        before = 0
        for member in sorted(found, key=lambda member: member.start):
            if member.start < before:
                raise BadArchive("its members lie over each other")
            before = member.start + member.packed
        if before > table:
            raise BadArchive("its members reach into the table of them")
        expanded = sum(member.size for member in found)
        if expanded > max(EXPANSION * size, FREE_EXPANSION):
            raise BadArchive(f"its {size:,} bytes would expand to {expanded:,}, more than {EXPANSION} times as many")
        self.has_checksums = any(member.checksum for member in found)
        """False if the writer left them out, as torch does on request."""

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The bytes of a member, a piece at a time; BadArchive if they are damaged, or more or fewer than stated."""
        made, checksum = 0, 0
        for piece in self._unpacked(member) if member.is_compressed else self._stored(member):
            made += len(piece)
            if made > member.size:
                break
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if made != member.size:
            raise BadArchive(f"its member {_shown(member.name)} has not the size that it states")
        if self.has_checksums and checksum != member.checksum:
            raise BadArchive(f"the checksum of its member {_shown(member.name)} is wrong, so it is damaged")

    def read(self, name: str) -> bytes:
        """The bytes of a member; KeyError if there is none of this name, BadArchive if it is damaged."""
        return b"".join(self.chunks(self.members[name]))

    def require_sound(self) -> None:
        """Read all members and compare their checksums; BadArchive if one is damaged."""
        for member in self.members.values():
            for _ in self.chunks(member):
                pass

    def _stored(self, member: Member) -> Iterator[bytes]:
        for place in range(0, member.packed, _CHUNK):
            yield _read(self.file, member.start + place, min(_CHUNK, member.packed - place))

    def _unpacked(self, member: Member) -> Iterator[bytes]:
        unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        packed, place = b"", 0
        while not unpack.eof:
            if not packed:
                packed = _read(self.file, member.start + place, min(_CHUNK, member.packed - place))
                place += len(packed)
            try:
                piece = unpack.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise BadArchive(f"its member {_shown(member.name)} is damaged ({error})") from None
            if not piece and not packed:
                return
            packed = unpack.unconsumed_tail
            yield piece


def _table(file: BinaryIO, size: int) -> tuple[int, int]:
    """The start of the table of the members, and their number; nothing may follow the end of the archive."""
    signature, *disks, count, total, length, start, comment = _END.unpack(_read(file, size - _END.size, _END.size))
    if signature != b"PK\x05\x06" or comment:
        raise BadArchive("it is cut off, or something follows its end")
    end = size - _END.size
    if end >= _LOCATOR_64.size + _END_64.size:
        signature, disk, place, _ = _LOCATOR_64.unpack(_read(file, end - _LOCATOR_64.size, _LOCATOR_64.size))
        if signature == b"PK\x06\x07":
            end -= _LOCATOR_64.size + _END_64.size
            signature, _, _, _, *disks, count, total, length, start = _END_64.unpack(_read(file, end, _END_64.size))
            disks.append(disk)
            if signature != b"PK\x06\x06" or place != end:
                raise BadArchive("its end is damaged")
    if any(disks) or count != total:
        raise BadArchive("it is one of several files of an archive")
    if start + length != end:
        raise BadArchive("the table of its members is not at its end")
    if count > MOST_MEMBERS or length > _LARGEST_TABLE:
        raise BadArchive(f"it has more than {MOST_MEMBERS:,} members, or their names are too long")
    return start, count


def _listed(file: BinaryIO, table: int, count: int) -> Iterator[Member]:
    """The members in the table, as the standard library reads it, each checked against what stands before its data."""
    from zipfile import BadZipFile, ZipFile

    try:
        listed = ZipFile(file).infolist()
    except (BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise BadArchive(f"the table of its members is damaged ({error})") from None
    if len(listed) != count:
        raise BadArchive(f"it has {len(listed):,} members, but states {count:,}")
    for info in listed:
        name, method = info.orig_filename, info.compress_type
        if info.flag_bits & 0x1 or info.volume or method not in (_STORED, _DEFLATED):
            raise BadArchive(f"its member {_shown(name)} is encrypted, or packed in an unusual way")
        if method == _STORED and info.compress_size != info.file_size:
            raise BadArchive(f"its member {_shown(name)} has two sizes")
        if info.header_offset + _LOCAL.size > table:
            raise BadArchive("its members reach into the table of them")
        signature, _, flags, again, *_, length, extra = _LOCAL.unpack(_read(file, info.header_offset, _LOCAL.size))
        written = _read(file, info.header_offset + _LOCAL.size, length)
        encoding = "utf-8" if flags & 0x800 else "cp437"
        if signature != b"PK\x03\x04" or again != method or written.decode(encoding, "replace") != name:
            raise BadArchive(f"its member {_shown(name)} is not where the table says")
        start = info.header_offset + _LOCAL.size + length + extra
        yield Member(name, start, info.compress_size, info.file_size, info.CRC, method == _DEFLATED)


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    if start < 0:
        raise BadArchive("it is too short")
    file.seek(start)
    data = file.read(length)
    if len(data) < length:
        raise BadArchive("it is cut off")
    return data


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:77]}...")
