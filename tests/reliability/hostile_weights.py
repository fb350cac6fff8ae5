"""Files of weights that are made to harm who reads them: code, bombs, lies and loops."""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

GIGABYTE = 2**30
VALUES = struct.pack("<6f", *range(1, 7))
"""The values of the tensor `weight` [2, 3] of the model that the files are for."""


def number(value: int) -> bytes:
    """A whole number of any size."""
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def text(value: str) -> bytes:
    """A text."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def several(*values: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(values) + b"t"


def counts(*values: int) -> bytes:
    """A tuple of whole numbers."""
    return several(*map(number, values))


def called(name: str, *arguments: bytes) -> bytes:
    """The call of a function, by its module and name."""
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode() + several(*arguments) + b"R"


def storage(length: int = 6, key: str = "0", kind: str = "FloatStorage") -> bytes:
    """The storage of a tensor, by a persistent id."""
    return several(text("storage"), f"ctorch\n{kind}\n".encode(), text(key), text("cpu"), number(length)) + b"Q"


def tensor(
    values: bytes | None = None,
    shape: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    offset: int = 0,
) -> bytes:
    """A tensor."""
    held = storage() if values is None else values
    hooks = b"ccollections\nOrderedDict\n)R"
    return called(
        "torch._utils._rebuild_tensor_v2", held, number(offset), counts(*shape), counts(*strides), b"\x89", hooks
    )


def mapping(**values: bytes) -> bytes:
    """A dict."""
    return b"}(" + b"".join(text(name) + value for name, value in values.items()) + b"u"


def pickled(value: bytes) -> bytes:
    """A whole pickle."""
    return b"\x80\x02" + value + b"."


GOOD = pickled(mapping(weight=tensor()))


def archive(content: bytes = GOOD, members: Mapping[str, bytes] | None = None, **options: Any) -> bytes:
    """A torch file, with more members or others."""
    file = io.BytesIO()
    own = {"w/data.pkl": content, "w/byteorder": b"little", "w/data/0": VALUES, "w/version": b"3\n"}
    with zipfile.ZipFile(file, "w", options.pop("compression", zipfile.ZIP_STORED)) as made:
        for name, data in {**own, **(members or {})}.items():
            made.writestr(name, data)
    return file.getvalue()


def of(value: bytes) -> Callable[[], bytes]:
    """A torch file of one value."""
    return lambda: archive(pickled(value))


def beside(value: bytes) -> Callable[[], bytes]:
    """A torch file with a set of weights, and another value beside it."""
    return of(mapping(model=mapping(weight=tensor()), other=value))


def edited(data: bytes, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    """Data with one piece replaced."""
    place = data.rindex(old) if last else data.index(old)
    return data[:place] + new + data[place + len(old) :]


def member(name: bytes, data: bytes, size: int, *, method: int = 0, flags: int = 0) -> tuple[bytes, bytes]:
    """A member of a zip file, and its entry in the table, without its place; with a size that is stated."""
    facts = struct.pack("<3L", zlib.crc32(data), len(data), size)
    head = struct.pack("<5H", 20, flags, method, 0, 0) + facts + struct.pack("<2H", len(name), 0)
    entry = struct.pack("<6H", 20, 20, flags, method, 0, 0) + facts
    return b"PK\x03\x04" + head + name + data, b"PK\x01\x02" + entry + struct.pack("<5HL", len(name), 0, 0, 0, 0, 0)


def zipped(*members: tuple[bytes, bytes, bytes], places: list[int] | None = None) -> bytes:
    """A zip file of (name, member, entry), with these places in the table or the true ones."""
    body, table = b"", b""
    for number_, (name, data, entry) in enumerate(members):
        table += entry + struct.pack("<L", places[number_] if places else len(body)) + name
        body += data
    end = struct.pack("<4H2LH", 0, 0, len(members), len(members), len(table), len(body), 0)
    return body + table + b"PK\x05\x06" + end


def zeros(count: int) -> bytes:
    """A raw deflate stream of many zeros, made of one block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block + again * ((count >> 20) - 1) + packer.flush()


def bomb(stated: int) -> bytes:
    """A torch file of 4 MB with a storage of nearly 4 GB of zeros, which states another size."""
    made = [(b"w/data.pkl", *member(b"w/data.pkl", GOOD, len(GOOD)))]
    made.append((b"w/data/0", *member(b"w/data/0", zeros(15 * GIGABYTE // 4), stated, method=8)))
    return zipped(*made)


def overlapping() -> bytes:
    """A member inside the data of another one."""
    inner, entry = member(b"w/data/0", VALUES, len(VALUES))
    outer, around = member(b"w/data.pkl", GOOD + inner, len(GOOD + inner))
    place = outer.index(inner)
    return zipped((b"w/data.pkl", outer, around), (b"w/data/0", b"", entry), places=[0, place])


def many_members(count: int) -> bytes:
    """A torch file with many empty members."""
    file = io.BytesIO(archive())
    with zipfile.ZipFile(file, "a") as made:
        for place in range(count):
            made.writestr(zipfile.ZipInfo(f"w/{place}"), b"")
    return file.getvalue()


def behind_another() -> bytes:
    """An archive behind the beginning of another one: some readers find the first, some the second."""
    first, _ = member(b"x/data.pkl", pickled(called("os.system", text("id"))), 100)
    return first + archive()


def torchscript() -> bytes:
    """The beginning of a program of TorchScript."""
    return archive(members={"w/constants.pkl": pickled(b")"), "w/code/__torch__.py": b"def forward(self): ..."})


def legacy(value: bytes = mapping(weight=tensor()), keys: bytes | None = None, values: bytes | None = None) -> bytes:
    """A torch file in the older format."""
    system = mapping(little_endian=b"\x88", protocol_version=number(1001))
    header = [number(0x1950A86A20F9469CFC6C), number(1001), system, value.replace(b"K\x06tQ", b"K\x06NtQ")]
    own = struct.pack("<q", 6) + VALUES if values is None else values
    return b"".join(map(pickled, header)) + pickled(b"](" + (text("0") if keys is None else keys) + b"e") + own


def old_storage(length: int = 6, part: bytes = b"N") -> bytes:
    """A storage in the older format."""
    return several(text("storage"), b"ctorch\nFloatStorage\n", text("0"), text("cpu"), number(length), part) + b"Q"


def old(length: int = 6, part: bytes = b"N", **options: Any) -> bytes:
    """A torch file in the older format with one tensor."""
    return legacy(mapping(weight=tensor(old_storage(length, part))), **options)


def tape(name: str) -> bytes:
    """A tar file of the oldest format, with a link out of it in the place of the storages."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        made.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("storages")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    return file.getvalue()


def safetensors(header: object, values: bytes = VALUES) -> bytes:
    """A safetensors file with a header: a text, or a value that is written as JSON."""
    written = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + values


def entry(shape: object = (2, 3), dtype: object = "F32", begin: object = 0, end: object = 24) -> dict[str, object]:
    """A tensor of a safetensors file."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


CODE = {
    **{name: name for name in ("builtins.exec", "builtins.eval", "builtins.getattr", "builtins.__import__")},
    **{name: name for name in ("os.system", "posix.system", "nt.system", "subprocess.Popen", "runpy.run_path")},
    **{name: name for name in ("webbrowser.open", "socket.create_connection", "pickle.loads", "marshal.loads")},
    **{name: name for name in ("torch.load", "torch.hub.load", "torch.serialization.load", "torch.jit.load")},
    **{name: name for name in ("numpy.load", "numpy.core.multiarray._reconstruct", "operator.attrgetter")},
    **{name: name for name in ("functools.partial", "collections.defaultdict", "copyreg._reconstructor")},
    **{name: name for name in ("torch.nn.modules.linear.Linear", "torch.utils.cpp_extension.load", "pip.main")},
}
"""Functions that a pickle may call, each in a file of its own."""


def colliding_keys() -> bytes:
    """A dict of many numbers of one hash: each is compared with all before it."""
    prime = 2**61 - 1
    return b"}(" + b"".join(number(prime * place) + b"N" for place in range(1, 100_001)) + b"u"


WEIGHTS: dict[str, Callable[[], bytes]] = {
    **{f"calls {name}.pt": of(called(name, text("harm"))) for name in CODE},
    **{
        f"old {name}.pth": lambda name=name: legacy(called(name, text("harm")))
        for name in ("os.system", "builtins.eval")
    },  # type: ignore[misc]  # mypy reads the default as an argument
    "beside.pt": beside(called("os.system", text("id"))),
    "built.pt": of(b"cos\nsystem\n)\x81}b"),
    "instance.pt": of(b"(" + text("id") + b"ios\nsystem\n"),
    "object.pt": of(b"(cos\nsystem\n" + text("id") + b"o"),
    "extension.pt": of(b"\x82\x01)R"),
    "stack_global.pt": of(text("os") + text("system") + b"\x93" + several(text("id")) + b"R"),
    "persistent.pt": of(several(text("module"), b"cos\nsystem\n", text("a"), text("b")) + b"Q"),
    "bomb.pt": lambda: bomb(15 * GIGABYTE // 4),
    "lying_bomb.pt": lambda: bomb(24),
    "described_bomb.pt": lambda: archive(pickled(b"]" * 70_000_000), compression=zipfile.ZIP_DEFLATED),
    "lists.pt": of(b"]" * 60_000_000),
    "marks.pt": of(b"(" * 60_000_000),
    "nested.pt": of(b")" + b"\x85" * 900_000),
    "inside_itself.pt": of(b"]q\x00" + b"h\x00a" * 10_000),
    "memo.pt": of(b"]r\xff\xff\xff\xffj\xff\xff\xff\xff0"),
    "long_text.pt": of(b"X\xff\xff\xff\xff"),
    "long_name.pt": of(b"c" + b"a" * 10_000_000 + b"\nb\n"),
    "texts.pt": of(b"](" + text("a" * 1_000_000) * 65 + b"e"),
    "keys.pt": of(colliding_keys()),
    "unending.pt": lambda: archive(GOOD[:-1]),
    "empty_stack.pt": of(b"uuu"),
    "length.pt": of(mapping(weight=tensor(storage(2**60)))),
    "negative.pt": of(mapping(weight=tensor(storage(-1)))),
    "offset.pt": of(mapping(weight=tensor(offset=2**62))),
    "before.pt": of(mapping(weight=tensor(offset=-1))),
    "strides.pt": of(mapping(weight=tensor(strides=(2**62, 1)))),
    "backwards.pt": of(mapping(weight=tensor(strides=(-3, 1)))),
    "shape.pt": of(mapping(weight=tensor(shape=(2**40, 2**40)))),
    "expanded.pt": of(mapping(weight=tensor(shape=(2**40, 3), strides=(0, 0)))),
    "dimensions.pt": of(mapping(weight=tensor(shape=(1,) * 100_000, strides=(1,) * 100_000))),
    "beyond.pt": of(mapping(weight=tensor(shape=(2, 4), strides=(4, 1)))),
    "fewer_strides.pt": of(mapping(weight=tensor(strides=(1,)))),
    "truths.pt": of(
        mapping(weight=called("torch._utils._rebuild_tensor_v2", storage(), b"\x88", b")", b")", b"\x89", b")"))
    ),
    "no_storage.pt": of(mapping(weight=tensor(storage(key="../data.pkl")))),
    "two_types.pt": of(mapping(weight=tensor(), other=tensor(storage(3, kind="DoubleStorage"), (3,), (1,)))),
    "quantized.pt": of(mapping(weight=tensor(storage(kind="QInt8Storage")))),
    "other_type.pt": of(mapping(weight=tensor(storage(3, kind="LongStorage"), (3,), (1,)))),
    "long_tensor_name.pt": of(b"}(" + text("a" * 100_000) + tensor() + b"u"),
    "values.pt": lambda: archive(members={"w/data/0": struct.pack("<6f", *[float("nan")] * 6)}),
    "more_values.pt": lambda: archive(members={"w/data/0": VALUES * 2}),
    "no_values.pt": lambda: archive(members={"w/data/0": b""}),
    "checksum.pt": lambda: edited(archive(), VALUES, VALUES[:-1] + b"\xff"),
    "checksum_of_pickle.pt": lambda: edited(archive(), b"\x89ccoll", b"\x88ccoll"),
    "checksum_of_another.pt": lambda: edited(archive(members={"w/other": b"abcdef"}), b"abcdef", b"abcdeg"),
    "overlap.pt": overlapping,
    "one_name.pt": lambda: edited(archive(members={"w/data/1": VALUES}), b"w/data/1", b"w/data/0", last=True),
    "twice.pt": lambda: archive(members={"w/data/1": VALUES}).replace(b"w/data/1", b"w/data/0"),
    "parent.pt": lambda: archive(members={"../../../harm": b"x", "/etc/harm": b"x", "a/data.pkl": GOOD}),
    "members.pt": lambda: many_members(120_000),
    "count.pt": lambda: edited(archive(), b"PK\x05\x06\0\0\0\0\x04\0\x04\0", b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff"),
    "before_another.pt": behind_another,
    "followed.pt": lambda: archive() + b"PK",
    "comment.pt": lambda: archive()[:-2] + b"\x05\0hello",
    "encrypted.pt": lambda: archive().replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0"),
    "bzip2.pt": lambda: archive(compression=zipfile.ZIP_BZIP2),
    "lzma.pt": lambda: archive(compression=zipfile.ZIP_LZMA),
    "moved.pt": lambda: edited(archive(), b"w/data/0", b"w/data/1"),
    "table.pt": lambda: edited(archive(), b"PK\x01\x02", b"PK\x01\x03"),
    "cut.pt": lambda: archive()[:-30],
    "half.pt": lambda: archive()[:200],
    "only_begin.pt": lambda: b"PK\x03\x04" + bytes(30),
    "office.pt": lambda: zipped((b"word/document.xml", *member(b"word/document.xml", b"<x/>", 4))),
    "inside.pt": lambda: archive(archive()),
    "script.pt": torchscript,
    "big_endian.pt": lambda: archive(members={"w/byteorder": b"big"}),
    "legacy_length.pth": lambda: old(2**60),
    "legacy_stated.pth": lambda: old(values=struct.pack("<q", 2**60) + VALUES),
    "legacy_cut.pth": lambda: old()[:-4],
    "legacy_part.pth": lambda: old(part=several(text("1"), number(4), number(2**40))),
    "legacy_again.pth": lambda: old(keys=text("0") * 900_000, values=(struct.pack("<q", 6) + VALUES) * 100),
    "legacy_other_keys.pth": lambda: old(keys=b"]" * 1000 + b"a" * 999),
    "legacy_big_endian.pth": lambda: edited(old(), b"little_endian\x88", b"little_endian\x89"),
    "legacy_lists.pth": lambda: legacy(b"]" * 30_000_000),
    "plain_pickle.pth": lambda: pickle.dumps({"weight": [1.0]}, 2),
    "magic_alone.pth": lambda: pickled(number(0x1950A86A20F9469CFC6C)),
    "tape.pth": lambda: tape("pickle"),
    "tape_like_pickle.pth": lambda: edited(tape("xxxx"), b"xxxx", b"\x80\x02xx"),
    "header.safetensors": lambda: struct.pack("<Q", 100_000_000) + b"{" + b" " * 20_000_000,
    "endless_header.safetensors": lambda: struct.pack("<Q", 2**63) + b"{}",
    "nested.safetensors": lambda: safetensors('{"a":' + "[" * 5_000_000),
    "dicts.safetensors": lambda: safetensors('{"a":[' + "{}," * 1_600_000 + "{}]}"),
    "metadata.safetensors": lambda: safetensors({"__metadata__": {str(n): "x" for n in range(300_000)}}, b""),
    "tensors.safetensors": lambda: safetensors({f"t{n}": entry((0,), "F32", 0, 0) for n in range(45_000)}, b""),
    "overlap.safetensors": lambda: safetensors({"weight": entry(), "bias": entry((2,), "F32", 4, 12)}),
    "gap.safetensors": lambda: safetensors({"weight": entry(begin=8, end=32)}, VALUES + bytes(8)),
    "outside.safetensors": lambda: safetensors({"weight": entry(end=2**40)}),
    "reversed.safetensors": lambda: safetensors({"weight": entry(begin=24, end=0)}),
    "negative.safetensors": lambda: safetensors({"weight": entry(begin=-24, end=0)}),
    "fraction.safetensors": lambda: safetensors({"weight": entry((2.0, 3))}),
    "truth.safetensors": lambda: safetensors({"weight": entry((True, 6))}),
    "nan.safetensors": lambda: safetensors('{"weight":{"dtype":"F32","shape":[NaN,3],"data_offsets":[0,24]}}'),
    "infinite.safetensors": lambda: safetensors('{"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,Infinity]}}'),
    "huge_shape.safetensors": lambda: safetensors({"weight": entry((2**62, 2**62))}),
    "digits.safetensors": lambda: safetensors(
        '{"weight":{"dtype":"F32","shape":[' + "9" * 100_000 + '],"data_offsets":[0,24]}}'
    ),
    "dimensions.safetensors": lambda: safetensors({"weight": entry((1,) * 500_000)}),
    "type.safetensors": lambda: safetensors({"weight": entry(dtype="F4")}),
    "long_type.safetensors": lambda: safetensors({"weight": entry(dtype="A" * 100_000)}),
    "twice.safetensors": lambda: safetensors(
        '{"weight":' + json.dumps(entry()) + ',"weight":' + json.dumps(entry()) + "}"
    ),
    "list.safetensors": lambda: safetensors("{}"[:1] + '"a":[]}', b""),
    "name.safetensors": lambda: safetensors({"a" * 1_000_000: entry()}),
    "not_numbers.safetensors": lambda: safetensors({"weight": entry()}, struct.pack("<6f", *[float("nan")] * 6)),
    "cut.safetensors": lambda: safetensors({"weight": entry()})[:-1],
    "more.safetensors": lambda: safetensors({"weight": entry()}) + b"\0",
    "page.pt": lambda: b"<html><script>alert(1)</script>",
    "empty.pt": lambda: b"",
}
"""The contents of hostile files of weights, by name."""


def sparse(head: bytes, size: int) -> Callable[[Path], None]:
    """A file that begins with a head and claims a size without taking any room."""

    def make(path: Path) -> None:
        path.write_bytes(head)
        os.truncate(path, size)

    return make


def claimed(size: int) -> Callable[[Path], None]:
    """A whole safetensors file of this size, next to all of which is a hole."""
    header = safetensors({"weight": entry(), "other": entry((size // 4 - 6,), "F32", 24, size)}, b"")
    return sparse(header, len(header) + size)


def listening(path: Path) -> None:
    """A socket in the place of a file."""
    here = socket.socket(socket.AF_UNIX)
    here.bind(str(path))
    here.close()


PLACES: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": listening,
    "folder": Path.mkdir,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "random": lambda path: path.symlink_to("/dev/urandom"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "itself": lambda path: path.symlink_to(path),
    "nowhere": lambda path: path.symlink_to("nothing"),
}
"""What is no file, in the place of one."""

LARGE: dict[str, Callable[[Path], object]] = {
    "large.safetensors": claimed(40 * GIGABYTE),
    "larger.safetensors": claimed(80 * GIGABYTE),
    "large.pt": sparse(archive()[:-22], 40 * GIGABYTE),
    "large.pth": sparse(old(), 40 * GIGABYTE),
}
"""Weights files that are larger than the disk."""

HARMLESS = {
    "bytes.pt": beside(called("builtins.bytearray", number(2**60))),
    "encoded.pt": beside(called("_codecs.encode", text("ü" * 500_000), text("punycode"))),
    "set.pt": beside(called("builtins.set", b"]" + b"]a" * 1000)),
    "counter.pt": beside(called("collections.Counter", colliding_keys())),
    "meta.pt": beside(called("torch._utils._rebuild_meta_tensor_no_storage", b"N", counts(2**40), counts(1), b"\x89")),
    "attributes.pt": lambda: archive(pickled(mapping(weight=tensor())[:-1] + b"u}" + text("__class__") + b"N" + b"sb")),
    "compressed.pt": lambda: archive(compression=zipfile.ZIP_DEFLATED),
    "padded.pt": lambda: archive(members={"w/zeros": bytes(10**8)}, compression=zipfile.ZIP_DEFLATED),
    "parent_names.pt": lambda: archive(members={"../../../harm": b"x", "w/../../harm": b"x"}),
    "good.pth": old,
}
"""Files that look hostile, and are read all the same, without anything happening."""
