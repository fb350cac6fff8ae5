"""Pictures that are made to harm who opens them: other formats in disguise, bombs, loops, pipes and devices."""

from __future__ import annotations

import io
import os
import re
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) print\nshowpage\n%%EOF\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
SIDE = 60_000
"""A side of an image of 3.6 billion pixels."""


def encoded(format_name: str, size: tuple[int, int] = (16, 16), mode: str = "RGB", **options: object) -> bytes:
    """A real image of random pixels."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], channels), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels).save(file, format_name, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *before: bytes, pixels: bytes = b"", after: tuple[bytes, ...] = ()) -> bytes:
    """A PNG file of RGB pixels, with other chunks before and after them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", pixels or zlib.compress(bytes(height * (3 * width + 1))))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + body + b"".join(after) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """The compressed form of many zeros, of which never all are in memory."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


def tiff(*tags: tuple[int, int, int, int], then: int = 0, offset: int = 8, data: bytes = b"") -> bytes:
    """A TIFF file of one directory: tag, type, number of values, value or offset."""
    entries = b"".join(struct.pack("<HHLL", *tag) for tag in sorted(tags))
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<L", then)
    return b"II*\0" + struct.pack("<L", offset) + directory + data


def grey_tiff(*tags: tuple[int, int, int, int], **options: int) -> bytes:
    """A TIFF file of 8 x 8 grey pixels in one strip, with other tags."""
    own = {256: (3, 1, 8), 257: (3, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    own |= {273: (4, 1, 0), 277: (3, 1, 1), 278: (3, 1, 8), 279: (4, 1, 64)}
    own |= {tag: rest for tag, *rest in tags}  # type: ignore[misc]  # three numbers are left
    return tiff(*((tag, *rest) for tag, rest in own.items()), data=bytes(256), **options)  # type: ignore[arg-type]


def exif_bomb() -> bytes:
    """A JPEG file whose EXIF tags all point to the same 400 kB."""
    size, tags = 400_000, 20_000
    entries = b"".join(struct.pack("<HHLL", 0x9000 + tag, 7, size, 8) for tag in range(tags))
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", tags) + entries + bytes(size)
    parts = [block[start : start + 65_000] for start in range(0, len(block), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts)
    jpeg = encoded("JPEG")
    return jpeg[:2] + segments + jpeg[2:]


def scan_bomb() -> bytes:
    """A progressive JPEG file of 4000 x 4000 pixels that repeats its last scan 20,000 times, in 1 MB."""
    file = io.BytesIO()
    Image.new("RGB", (4000, 4000), (10, 200, 30)).save(file, "JPEG", progressive=True)
    jpeg = file.getvalue()
    last = [found.start() for found in re.finditer(b"\xff\xda", jpeg)][-1]
    return jpeg[:-2] + jpeg[last:-2] * 20_000 + b"\xff\xd9"


def many_frames() -> bytes:
    """A GIF file of a million frames."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * 1_000_000 + b";"


def webp(width: int, height: int) -> bytes:
    """A WebP file with a canvas of this size."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + encoded("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def metafile() -> bytes:
    """A placeable Windows metafile."""
    head = struct.pack("<IHhhhhHIH", 0x9AC6CDD7, 0, 0, 0, 100, 100, 96, 0, 0)
    return head + struct.pack("<HHHIHIH", 1, 9, 0x300, 12, 0, 3, 0) + struct.pack("<IH", 3, 0)


def enhanced_metafile() -> bytes:
    """The header of an enhanced metafile."""
    return struct.pack("<II8i", 1, 108, 0, 0, 9, 9, 0, 0, 99, 99) + b" EMF" + bytes(64)


def tga(width: int, height: int) -> bytes:
    """The header of a TGA file of RGB pixels, compressed."""
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, width, height, 24, 0) + b"\xff\0\0\0" * 40


def jpeg2000(width: int, height: int) -> bytes:
    """A JPEG 2000 code stream of another size."""
    stream = bytearray(encoded("JPEG2000", no_jp2=True))
    struct.pack_into(">II", stream, 8, width, height)
    return bytes(stream)


CONTENTS: dict[str, Callable[[], bytes]] = {
    "eps.png": lambda: EPS,
    "eps.jpg": lambda: EPS,
    "eps.tif": lambda: EPS,
    "dos_eps.png": lambda: b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 32, len(EPS)) + bytes(20) + EPS,
    "postscript.gif": lambda: b"%!PS\nshowpage\n",
    "portable.png": lambda: b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "meta.png": metafile,
    "enhanced.bmp": enhanced_metafile,
    "flashpix.png": lambda: OLE,
    "composer.jpg": lambda: OLE + b"Image Composer",
    "vector.png": lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "page.jpg": lambda: b"<!DOCTYPE html><html><script>1</script></html>",
    "bits.png": lambda: b"#define a_width 8\n#define a_height 8\nstatic char a_bits[] = {\n0x00, 0x01 };\n",
    "map.png": lambda: b'/* XPM */\nstatic char *a[] = {\n"1 1 1 1",\n"a c #000000",\n"a"};\n',
    "hdf5.png": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100),
    "fits.png": lambda: b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "grib.png": lambda: b"GRIB\0\0\0\x01" + bytes(100),
    "bufr.png": lambda: b"BUFR\0\0\0\x01" + bytes(100),
    "heif.png": lambda: b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(100),
    "iptc.jpg": lambda: b"\x1c\x03\x3c\0\x02\x01\x01" + b"\x1c\x08\x0a\0\x20" + EPS,
    "icon.png": lambda: encoded("ICO"),
    "pointer.jpg": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    "zero.png": lambda: b"",
    "one_byte.png": lambda: b"P",
    "pixels.png": lambda: png(SIDE, SIDE, pixels=zeros(2**26)),
    "many_texts.png": lambda: png(8, 8, *[chunk(b"zTXt", b"a\0\0" + zeros(2**20))] * 100),
    "text.png": lambda: png(8, 8, chunk(b"zTXt", b"a\0\0" + zeros(2**28))),
    "international.png": lambda: png(8, 8, chunk(b"iTXt", b"a\0\x01\0\0\0" + zeros(2**28))),
    "profile.png": lambda: png(8, 8, chunk(b"iCCP", b"a\0\0" + zeros(2**28))),
    "large_profile.png": lambda: png(8, 8, chunk(b"iCCP", b"a\0\0" + os.urandom(2**24))),
    "late_chunks.png": lambda: png(8, 8, after=(chunk(b"teSt", b""),) * 1_000_000),
    "truncated.png": lambda: encoded("PNG")[:-60],
    "truncated.jpg": lambda: encoded("JPEG", (200, 200))[:3000],
    "padded.jpg": lambda: b"\xff\xd8" + b"\xff" * 50_000_000,
    "exif.jpg": exif_bomb,
    "scans.jpg": scan_bomb,
    "with_eps.jpg": lambda: encoded("JPEG", comment=EPS) + EPS,
    "with_script.gif": lambda: encoded("GIF") + b"*/=1;alert(1)",
    "with_archive.png": lambda: encoded("PNG") + b"PK\x03\x04" + bytes(100),
    "frames.gif": many_frames,
    "far_frame.gif": lambda: encoded("GIF")[:6] + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b"," + b"\xff" * 8 + b"\0\x02",
    "comment.gif": lambda: encoded("GIF")[:13] + bytes(768) + b"!\xfe" + (b"\xff" + b"a" * 255) * 40_000 + b"\0;",
    "loop.tif": lambda: grey_tiff(then=8),
    "outside.tif": lambda: grey_tiff(offset=0xFFFFFFF0),
    "inside_itself.tif": lambda: tiff((330, 4, 1, 8), (34665, 4, 1, 8), then=8),
    "numbers.tif": lambda: grey_tiff((273, 4, 30_000_000, 0)) + bytes(120_000_000),
    "count.tif": lambda: grey_tiff((273, 4, 0xFFFFFFFF, 0), (279, 4, 0xFFFFFFFF, 0)),
    "same_data.tif": lambda: tiff(*((tag, 7, 2**20, 8) for tag in range(700, 3700))) + bytes(2**20),
    "tiles.tif": lambda: grey_tiff((259, 3, 1, 8), (322, 4, 1, 40_000), (323, 4, 1, 40_000), (324, 4, 1, 0)),
    "comment.ppm": lambda: b"P6\n#" + b"a" * 20_000_000 + b"\n8 8\n255\n" + bytes(192),
    "truncated.ppm": lambda: b"P6\n9000 9000\n255\n" + bytes(100),
    "sides.ppm": lambda: b"P5\n1000000000 1000000000\n255\n",
    "sides.tga": lambda: tga(65_535, 65_535),
    "sides.j2k": lambda: jpeg2000(2**31 - 1, 2**31 - 1),
    "other_sides.j2k": lambda: jpeg2000(9000, 9000),
    "canvas.webp": lambda: webp(16_000, 16_000),
    "narrow.png": lambda: png(1, 5_000_000, pixels=zeros(5_000_000 * 4)),
    "narrow.gif": lambda: encoded("GIF", (65_535, 1), "L"),
}
"""The contents of hostile pictures, by name."""


def sparse(head: bytes, size: int) -> Callable[[Path], None]:
    """A file that begins with a head and claims a size without taking any room."""

    def make(path: Path) -> None:
        path.write_bytes(head)
        os.truncate(path, size)

    return make


def listening(path: Path) -> None:
    """A socket in the place of a picture."""
    here = socket.socket(socket.AF_UNIX)
    here.bind(str(path))
    here.close()


PLACES: dict[str, Callable[[Path], object]] = {
    "pipe.png": os.mkfifo,
    "socket.png": listening,
    "folder.png": Path.mkdir,
    "endless.png": lambda path: path.symlink_to("/dev/zero"),
    "random.jpg": lambda path: path.symlink_to("/dev/urandom"),
    "terminal.png": lambda path: path.symlink_to("/dev/tty"),
    "itself.png": lambda path: path.symlink_to(path),
    "nowhere.png": lambda path: path.symlink_to("nothing"),
    "sparse.png": sparse(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR", 2**36),
    "sparse.webp": sparse(webp(8, 8), 2**36),
    "large.webp": sparse(webp(8, 8), 2**29),
    "sparse.avif": sparse(b"\0\0\0\x1cftypavif", 2**29),
    "sparse.tif": sparse(grey_tiff(), 2**36),
    "sparse_text.png": sparse(png(8, 8)[:33] + struct.pack(">I", 2**29) + b"tEXta\0", 2**29),
    "sparse_late.png": sparse(png(8, 8)[:-12] + struct.pack(">I", 2**29) + b"eXIf", 2**29),
    "sparse.j2k": sparse(encoded("JPEG2000", no_jp2=True), 2**29),
}
"""Hostile pictures that are no plain file, or larger than the disk."""


def write_hostile_pictures(folder: Path) -> list[Path]:
    """Write them all; their paths."""
    for name, make in CONTENTS.items():
        (folder / name).write_bytes(make())
    for name, place in PLACES.items():
        place(folder / name)
    return [folder / name for name in (*CONTENTS, *PLACES)]
