"""The formats of image files that are read: Pillow decodes them itself, without another program or Python package.

A file is recognised by its content, whatever its name is. All other formats are refused, among them those for which
Pillow starts a program (PostScript) or calls what another package registered (WMF, HDF5, HEIF).
"""

from __future__ import annotations

from typing import NamedTuple


class ImageFormat(NamedTuple):
    """A format: its name and plugin in Pillow, and the extensions of its files."""

    name: str
    plugin: str
    extensions: tuple[str, ...]


COMMON = (
    ImageFormat("JPEG", "Jpeg", (".jpg", ".jpeg", ".jfif", ".jpe", ".jif")),
    ImageFormat("PNG", "Png", (".png", ".apng")),
    ImageFormat("GIF", "Gif", (".gif",)),
    ImageFormat("BMP", "Bmp", (".bmp",)),
    ImageFormat("PPM", "Ppm", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm")),
)
"""Formats whose plugins Pillow imports for every file."""

OTHERS = (
    ImageFormat("TIFF", "Tiff", (".tif", ".tiff")),
    ImageFormat("WEBP", "WebP", (".webp",)),
    ImageFormat("AVIF", "Avif", (".avif",)),
    ImageFormat("JPEG2000", "Jpeg2K", (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc")),
    ImageFormat("PSD", "Psd", (".psd",)),
    ImageFormat("DDS", "Dds", (".dds",)),
    ImageFormat("SGI", "Sgi", (".sgi",)),
    ImageFormat("PCX", "Pcx", (".pcx",)),
    ImageFormat("DIB", "Bmp", (".dib",)),
    ImageFormat("TGA", "Tga", (".tga",)),  # the last: its files have no signature
)

EXTENSIONS = {extension: one.name for one in (*COMMON, *OTHERS) for extension in one.extensions}
"""Maps the extensions of images that can be read to their formats."""

HEAD = 512
"""The number of bytes from which a format is recognised."""

_REFUSED: tuple[tuple[str, bytes, int], ...] = (
    ("PostScript (EPS)", b"%!PS", 0),
    ("PostScript (EPS)", b"\xc5\xd0\xd3\xc6", 0),
    ("PDF", b"%PDF-", 0),
    ("a Windows metafile (WMF)", b"\xd7\xcd\xc6\x9a", 0),
    ("a Windows metafile (WMF)", b"\x01\x00\x09\x00\x00\x03", 0),
    ("a Windows metafile (EMF)", b" EMF", 40),
    ("an OLE file, such as FlashPix (FPX) or Image Composer (MIC)", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0),
    ("JPEG XL", b"\xff\x0a", 0),
    ("JPEG XL", b"\x00\x00\x00\x0cJXL ", 0),
    ("HEIF", b"ftyphei", 4),
    ("HEIF", b"ftyphev", 4),
    ("HEIF", b"ftypm", 4),
    ("HDF5", b"\x89HDF\r\n\x1a\n", 0),
    ("FITS", b"SIMPLE  =", 0),
    ("GRIB", b"GRIB", 0),
    ("BUFR", b"BUFR", 0),
    ("OpenEXR", b"\x76\x2f\x31\x01", 0),
    ("Radiance HDR", b"#?RADIANCE", 0),
    ("DICOM", b"DICM", 128),
    ("XPM", b"/* XPM */", 0),
    ("ICO", b"\x00\x00\x01\x00", 0),
    ("ICNS", b"icns", 0),
    ("QOI", b"qoif", 0),
    ("a Git LFS pointer instead of the file", b"version https://git-lfs", 0),
    ("a Zip archive", b"PK\x03\x04", 0),
    ("compressed by gzip", b"\x1f\x8b", 0),
    ("an array of NumPy", b"\x93NUMPY", 0),
)
"""Words for what is not read, with the bytes that begin it and their offset."""

_REFUSED_TEXT = (
    ("SVG", (b"<svg",)),
    ("a web page", (b"<!doctype html", b"<html")),
    ("XBM", (b"#define ", b"_width")),
)
"""The same for texts: words that occur in their beginning, in lower case."""


def foreign_format(head: bytes) -> str:
    """The format of a file that is not read, in words, from its first bytes; empty if it is unknown."""
    for words, signature, offset in _REFUSED:
        if head.startswith(signature, offset):
            return words
    text = head.lower()
    return next((words for words, parts in _REFUSED_TEXT if all(part in text for part in parts)), "")
