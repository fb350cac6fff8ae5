"""Pickles of torch files, read as data: the names, types and places of tensors, without calling or importing anything.

``torch.save`` writes tensors as calls of functions of torch. Here those calls are noted instead of made, so no content
of a file can run code, and a file can be checked before torch is imported. Operations are those that torch allows for
``weights_only=True``; anything else is refused, by its name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

MOST_OPERATIONS = 1_000_000
"""Operations of one pickle; a tensor needs about 40."""

LARGEST_PICKLE = 64 * 2**20
"""Bytes of one pickle."""

_LARGEST_TEXT = 2**20
_LONGEST_NAME = 500
_MOST_DIMENSIONS = 64
_LARGEST_NUMBER = 2**63 - 1

DTYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "",
}
"""The types of storages, with the type of their values; an untyped one has bytes."""

_HARMLESS = {
    *("_codecs.encode", "builtins.bytearray", "builtins.complex", "builtins.set", "collections.Counter"),
    *("torch.Size", "torch.Tensor", "torch.device", "torch.serialization._get_layout", "torch.storage.TypedStorage"),
}
"""Functions and classes for values that are no tensors; these values are not made."""

_OTHER_TENSORS = {
    "torch._utils._rebuild_qtensor": "quantized",
    "torch._utils._rebuild_sparse_tensor": "sparse",
    "torch._utils._rebuild_nested_tensor": "nested",
    "torch._utils._rebuild_meta_tensor_no_storage": "meta",
    "torch._utils._rebuild_wrapper_subclass": "wrapped",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "device",
    "torch._utils._rebuild_device_tensor_from_numpy": "device",
}
"""Functions that make tensors which are not read."""


class BadPickle(Exception):
    """A pickle is damaged, or too large; the text is a clause that says why."""


class NotTensors(Exception):
    """A pickle holds something else than tensors, which could run code; the text names it."""


class Storage(NamedTuple):
    """A row of values in the file that tensors are parts of."""

    key: str
    dtype: str
    length: int
    """The number of its values, or of its bytes if ``dtype`` is empty."""
    part: tuple[int, int] | None = None
    """The first value and the number of values, if it is only a part."""


class PickledTensor(NamedTuple):
    """A tensor: a strided view of a storage."""

    storage: Storage
    dtype: str
    offset: int
    """In values, as the strides."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class OtherTensor(NamedTuple):
    """A tensor that is not read, such as a sparse one."""

    kind: str


class Other(NamedTuple):
    """A value that is neither a tensor nor plain data."""

    name: str


class _Global(NamedTuple):
    """A class or a function, by its module and its name."""

    name: str


OTHER_KEY = None
"""The key in a dict of all entries whose own key is not a text."""

_Operation = Callable[["_Machine"], None]

_DAMAGED = "its description of the tensors is damaged"


class Content(NamedTuple):
    """The content of a pickle: plain data with ``PickledTensor`` in it, and all storages by their keys."""

    value: Any
    storages: dict[str, Storage]


def read_pickle(file: BinaryIO) -> Content:
    """Read a pickle, at whose end the file is then; NotTensors for other objects, BadPickle for anything else."""
    machine = _Machine(file)
    try:
        return Content(machine.run(), machine.storages)
    except (IndexError, KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError, struct.error):
        raise BadPickle(_DAMAGED) from None


class _Machine:
    """The stack machine of pickle, for the operations that torch writes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        """The stacks under the marks."""
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        self.left = LARGEST_PICKLE

    def run(self) -> Any:
        """Carry out the operations up to the last, and return the value that it leaves."""
        for _ in range(MOST_OPERATIONS):
            code = self.file.read(1)
            if code == b".":
                return self.stack.pop()
            operation = _OPERATIONS.get(code)
            if operation is None:
                what = f"operation {code[0]}" if code else "end"
                raise BadPickle(f"its description of the tensors has an unexpected {what}")
            operation(self)
        raise BadPickle(f"its description of the tensors has more than {MOST_OPERATIONS:,} operations")

    def take(self, length: int) -> bytes:
        """Read a number of bytes."""
        self.left -= length
        if length > _LARGEST_TEXT or self.left < 0:
            raise BadPickle("its description of the tensors is too large")
        data = self.file.read(length)
        if len(data) < length:
            raise BadPickle("it is cut off")
        return data

    def number(self, form: str) -> Any:
        """Read a number."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        """Read a name."""
        data = self.file.readline(_LONGEST_NAME)
        if not data.endswith(b"\n"):
            raise BadPickle(_DAMAGED)
        return data[:-1].decode("ascii")

    def since_mark(self) -> list[Any]:
        """Take all values that were put on the stack after the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items


def _global(machine: _Machine) -> None:
    module, name = machine.line(), machine.line()
    full = f"{'builtins' if module == '__builtin__' else module}.{name}"  # its name in Python 2
    known = full in _KNOWN or (module.startswith("torch") and (name in DTYPES or name.endswith("Storage")))
    if not known and not (module == "torch" and name in _TORCH_VALUES):
        raise NotTensors(f"Unsupported global: GLOBAL {full}")
    machine.stack.append(_Global(full))


def _reduce(machine: _Machine) -> None:
    arguments = machine.stack.pop()
    function = machine.stack.pop()
    machine.stack.append(_called(function, arguments))


def _called(function: Any, arguments: Any) -> Any:
    """The result of a call, which is noted, not made."""
    if not isinstance(function, _Global) or not isinstance(arguments, tuple):
        raise BadPickle("its description of the tensors calls what is no function")
    name = function.name
    if name == "collections.OrderedDict":
        made: dict[Any, Any] = {}
        for key, value in arguments[0] if arguments else ():
            _set(made, key, value)
        return made
    if name in _TENSORS:
        return _tensor(name, arguments)
    if name == "torch._tensor._rebuild_from_type_v2":  # a tensor with attributes, which are left out
        return _called(arguments[0], arguments[2])
    if name in _PARAMETERS:
        return arguments[0]
    return OtherTensor(_OTHER_TENSORS[name]) if name in _OTHER_TENSORS else Other(name)


def _tensor(name: str, arguments: tuple[Any, ...]) -> PickledTensor | OtherTensor:
    storage, offset, shape, strides = arguments[:4]
    version = _TENSORS[name]
    dtype = storage.dtype or "uint8"
    if version == 3:
        dtype = arguments[6].name.removeprefix("torch.")
    if any(arguments[4 + version :]) and version > 1:  # conjugated or negated when it is used
        return OtherTensor("conjugated")
    if len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS or not _are_counts(offset, *shape, *strides):
        raise BadPickle(_DAMAGED)
    return PickledTensor(storage, dtype, offset, tuple(shape), tuple(strides))


def _are_counts(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value <= _LARGEST_NUMBER for value in values)


def _storage(machine: _Machine) -> None:
    """The storage of a persistent id: "storage", its type, its key, a device, its length, and perhaps a part of it."""
    kind, declared, key, _, length, *view = machine.stack.pop()
    if text_of(kind) != "storage" or not isinstance(declared, _Global):
        raise NotTensors("an unknown persistent id")
    part = None
    if view and view[0] is not None:
        _, start, size = view[0]
        part = (start, size)
    if not _are_counts(length, *(part or ())):
        raise BadPickle(_DAMAGED)
    dtype = DTYPES.get(declared.name.rpartition(".")[2], "unknown")
    whole = machine.storages.setdefault(text_of(key), Storage(text_of(key), dtype, length))
    if (whole.dtype, whole.length) != (dtype, length):
        raise BadPickle("two tensors state different types or lengths of the same values")
    machine.stack.append(whole if part is None else whole._replace(part=part))


def text_of(value: Any) -> str:
    """The key of a storage as a text: Python 2 wrote bytes, and some keys are numbers. BadPickle for anything else."""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise BadPickle(_DAMAGED)


def _new_object(machine: _Machine) -> None:
    arguments = machine.stack.pop()
    made = machine.stack.pop()
    is_parameter = made == _Global("torch.nn.parameter.Parameter") and arguments
    machine.stack.append(arguments[0] if is_parameter else _called(made, arguments))


def _build(machine: _Machine) -> None:
    machine.stack.pop()  # attributes, such as the versions of modules
    if isinstance(machine.stack[-1], _Global):
        raise BadPickle(_DAMAGED)


def _set(target: Any, key: Any, value: Any) -> None:
    if isinstance(target, Other):  # a counter
        return
    if isinstance(key, bytes):
        key = key.decode()
    target[key if isinstance(key, str) else OTHER_KEY] = value


def _set_items(machine: _Machine) -> None:
    items = machine.since_mark()
    target = machine.stack[-1]
    for place in range(0, len(items), 2):
        _set(target, items[place], items[place + 1])


def _set_item(machine: _Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine.stack[-1], key, value)


def _append(machine: _Machine) -> None:
    item = machine.stack.pop()
    machine.stack[-1].append(item)


def _appends(machine: _Machine) -> None:
    items = machine.since_mark()
    machine.stack[-1].extend(items)


def _mark(machine: _Machine) -> None:
    machine.below.append(machine.stack)
    machine.stack = []


def _tuple(machine: _Machine) -> None:
    items = tuple(machine.since_mark())
    machine.stack.append(items)


def _tuple_of(count: int) -> _Operation:
    def run(machine: _Machine) -> None:
        items = tuple(machine.stack[-count:])
        if len(items) < count:
            raise IndexError
        machine.stack[-count:] = [items]

    return run


def _push(make: Callable[[_Machine], Any]) -> _Operation:
    return lambda machine: machine.stack.append(make(machine))


def _put(form: str) -> _Operation:
    def run(machine: _Machine) -> None:
        machine.memo[machine.number(form)] = machine.stack[-1]

    return run


_TENSORS = {
    "torch._utils._rebuild_tensor": 1,
    "torch._utils._rebuild_tensor_v2": 2,
    "torch._utils._rebuild_tensor_v3": 3,
}
"""Functions that make a tensor, and their versions."""

_PARAMETERS = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
_KNOWN = {
    *(*_TENSORS, *_PARAMETERS, *_OTHER_TENSORS, *_HARMLESS),
    *("torch._tensor._rebuild_from_type_v2", "collections.OrderedDict", "torch.nn.parameter.Parameter"),
}
_TORCH_VALUES = {
    *("float16", "float32", "float64", "bfloat16", "complex32", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"),
    *("qint8", "quint8", "qint32", "quint4x2", "quint2x4", "per_channel_affine_float_qparams"),
    *("per_tensor_affine", "per_channel_affine", "per_tensor_symmetric", "per_channel_symmetric"),
}
"""Types of values, and kinds of quantization."""

_OPERATIONS: dict[bytes, _Operation] = {
    b"c": _global,
    b"R": _reduce,
    b"\x81": _new_object,
    b"b": _build,
    b"Q": _storage,
    b"(": _mark,
    b"t": _tuple,
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"a": _append,
    b"e": _appends,
    b"s": _set_item,
    b"u": _set_items,
    b"N": _push(lambda _: None),
    b"\x88": _push(lambda _: True),
    b"\x89": _push(lambda _: False),
    b")": _push(lambda _: ()),
    b"]": _push(lambda _: []),
    b"}": _push(lambda _: {}),
    b"\x8f": _push(lambda _: Other("set")),
    b"J": _push(lambda machine: machine.number("<i")),
    b"K": _push(lambda machine: machine.number("<B")),
    b"M": _push(lambda machine: machine.number("<H")),
    b"G": _push(lambda machine: machine.number(">d")),
    b"\x8a": _push(lambda machine: int.from_bytes(machine.take(machine.number("<B")), "little", signed=True)),
    b"X": _push(lambda machine: machine.take(machine.number("<I")).decode("utf-8", "surrogatepass")),
    b"U": _push(lambda machine: machine.take(machine.number("<B"))),
    b"h": _push(lambda machine: machine.memo[machine.number("<B")]),
    b"j": _push(lambda machine: machine.memo[machine.number("<I")]),
    b"q": _put("<B"),
    b"r": _put("<I"),
    b"\x80": lambda machine: machine.number("<B"),
}
