"""The types of values in a checkpoint: what is restored is what was saved, and a file cannot name code."""

from __future__ import annotations

import collections
import datetime
import enum
import fractions
import json
import pickle
import random
import sys
import threading
import uuid
import warnings
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.torch import load, save
from torch import nn

from registry_core.engine.checkpoint.forms import Unsavable
from registry_core.engine.checkpoint.tensor_tree import WrongStructure, put_together, require_savable, take_apart


def through_files(value: Any) -> Any:
    """The value after both files of a checkpoint; the JSON is strict."""
    structure, tensors = take_apart(value)
    require_savable(value)
    text = json.dumps(structure, allow_nan=False)
    assert text.isascii()
    return put_together(json.loads(text), load(save(tensors)) if tensors else {})


def pickled(value: Any) -> Any:
    """What pickle, which keeps everything, tells of a value."""
    return pickle.dumps(value)


class Mode(enum.Enum):
    SOFT = "soft"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: int


class Words(dict[str, int]):
    """A dictionary of a class of its own."""


LATER = datetime.timezone(datetime.timedelta(hours=5, minutes=45), "Nepal")
VALUES: list[Any] = [
    *(float("inf"), -float("inf"), float("nan"), -float("nan"), -0.0, 5e-324, 1.7976931348623157e308),
    *(0, -1, 2**53 + 1, 2**64, 10**300, 10**5000, -(10**5000), True, None),
    *("", "\ud800", "a\udfff", "\ud83d\ude00", "\U0001f600", "\x00\x85\u2028\ufeff\n", "tensor"),
    *(b"", b"\x00\xff", bytearray(b"ab"), 1 + 2j, complex("nan-infj")),
    *((), (1, (2.0, "3")), [], {}, {"items": []}, {"tensor": "0"}, {"same": 0}, [[], [[]]]),
    *(set(), {1}, frozenset({"a", (1, frozenset({2}))}), {None: 1, 1.5: 2, ("a", 1): 3, b"": 4, False: 5}),
    *(collections.deque([1, [2]]), collections.deque([1, 2], 2), collections.OrderedDict(b=1, a=2)),
    *(collections.Counter("abca"), collections.defaultdict(list, {1: [2]}), collections.defaultdict(None, {1: 2})),
    *(range(3), range(9, 3, -2), slice(None, 3), slice(1, None, 2)),
    *(datetime.date(2020, 2, 29), datetime.datetime(1, 1, 1, 23, 59, 59, 999999, fold=1)),
    *(datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), datetime.datetime(2020, 1, 2, 3, tzinfo=LATER)),
    *(datetime.time(1, 2, 3, 4, LATER, fold=1), datetime.timedelta(-3, 4, 5), datetime.UTC, LATER),
    *(Decimal("1.10"), Decimal("-sNaN12"), Decimal("1E+999999"), fractions.Fraction(-3, 7)),
    *(uuid.UUID(int=5), Path("a/b"), Path("/"), Path("\udcff")),
    *(torch.float32, torch.uint4, torch.sparse_csr, torch.channels_last, torch.device("cuda:1"), torch.Size([2, 0])),
    *(np.float16(0.1), np.float64(0.1), np.float64("nan"), np.longdouble(1) / 3, np.int8(-1), np.uint64(2**64 - 1)),
    *(np.bool_(True), np.complex64(1j), np.str_("a\U0001f600"), np.bytes_(b"a"), np.datetime64("NaT")),
    *(np.datetime64("2020-01-01T00:00:00.123"), np.timedelta64(3, "h"), np.dtype("<f4"), np.dtype("M8[ns]")),
    *(np.array(3.0), np.zeros((0, 3)), np.array(["a", "bc"]), np.array([b"a"]), np.array(["2020", "NaT"], "M8[D]")),
    *(np.arange(6).reshape(2, 3), np.arange(6.0).reshape(2, 3).T, np.arange(24, dtype=">i2").reshape(2, 3, 4)),
    *(np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0), np.array([1 + 2j], "c8"), np.array([True, False])),
    np.array([(1, 2.5), (3, 4.5)], [("a", "i4"), ("b", "f8")]),
    np.array([(1, [2, 3])], [("a", "i1"), ("b", "f8", (2,))]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_restored_as_what_it_was(value: Any) -> None:
    again = through_files([value])[0]
    assert same(again, value)
    if isinstance(value, np.ndarray):
        assert again.strides == value.strides
        assert again.flags.writeable


def keys() -> Any:
    return st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.uuids()),
        *(st.dates(), st.times(), st.datetimes(), st.timedeltas(), st.decimals(allow_nan=False), st.fractions()),
        st.tuples(st.integers(), st.text()),
    )


LEAVES = keys() | st.one_of(
    *(st.floats(), st.complex_numbers(), st.characters(categories=["Cs"]), st.integers(-(2**2000), 2**2000)),
    hnp.arrays(
        hnp.scalar_dtypes() | hnp.byte_string_dtypes(min_len=1, max_len=3) | hnp.unicode_string_dtypes(max_len=3),
        hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        *(st.lists(inner, max_size=3), st.tuples(inner, inner), st.sets(keys(), max_size=3)),
        *(st.frozensets(keys(), max_size=3), st.dictionaries(keys(), inner, max_size=3)),
        st.builds(collections.deque, st.lists(inner, max_size=2), st.none() | st.integers(2, 4)),
        st.builds(collections.OrderedDict, st.dictionaries(keys(), inner, max_size=2)),
        st.builds(collections.defaultdict, st.just(int), st.dictionaries(keys(), inner, max_size=2)),
    ),
    max_leaves=8,
)


def same(left: Any, right: Any) -> bool:
    """True for equal values of the same types, with their signs and NaNs."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, (set, frozenset)):
        return bool(left == right)
    if isinstance(left, collections.defaultdict):
        return left.default_factory is right.default_factory and same([*left.items()], [*right.items()])
    if isinstance(left, dict):
        return same([*left.items()], [*right.items()])
    if isinstance(left, collections.deque):
        return left.maxlen == right.maxlen and same([*left], [*right])
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return pickled(left) == pickled(right)


@settings(max_examples=400, deadline=None)
@given(TREES)
def test_nested_values_are_restored_as_what_they_were(tree: Any) -> None:
    assert same(through_files(tree), tree)


TENSORS: list[torch.Tensor] = [
    *(torch.tensor(3), torch.zeros(0, 3), torch.arange(6.0), torch.ones(2, dtype=torch.bfloat16)),
    *(torch.arange(6.0).view(2, 3).T, torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)),
    *(torch.rand(2, 3, 4).permute(2, 0, 1), torch.ones(1).expand(4), torch.arange(8)[::2], torch.rand(4, 4)[1:3, 1:3]),
    *(torch.ones(2, requires_grad=True), nn.Parameter(torch.rand(2, 2).T), nn.Parameter(torch.ones(2), False)),
    *(torch.tensor(1 + 2j), torch.rand(3, dtype=torch.complex128), torch.rand(2, 3, dtype=torch.complex64).T.conj()),
    *(torch.imag(torch.rand(3, dtype=torch.complex64).conj()), torch.ones(2, requires_grad=True) * 2),
    *(torch.tensor([2**64 - 1], dtype=torch.uint64), torch.tensor([True, False]), torch.rand(3).to(torch.float16)),
    *(
        torch.rand(4).to(torch.float8_e4m3fn),
        torch.rand(4).to(torch.float8_e5m2),
        torch.rand(4).to(torch.float8_e8m0fnu),
    ),
]


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}")
def test_a_tensor_is_restored_with_its_values_type_and_order_in_memory(tensor: torch.Tensor) -> None:
    again = through_files({"kept": tensor})["kept"]
    assert (type(again), again.dtype, again.shape) == (type(tensor), tensor.dtype, tensor.shape)
    assert bits(again) == bits(tensor)
    assert again.requires_grad == (tensor.requires_grad and tensor.is_leaf)
    dense = tensor.numel() == len({*range(tensor.numel())}) and torch.empty_like(tensor).stride() == tensor.stride()
    assert again.stride() == tensor.stride() if dense else again.is_contiguous()
    assert again.data_ptr() != tensor.data_ptr() or not tensor.numel()


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", ["coo", "csr", "csc", "bsr", "bsc"])
def test_a_sparse_tensor_stays_sparse(layout: str) -> None:
    dense = torch.zeros(4, 6)
    dense[1, 2], dense[3, 5] = 1.5, -2
    sparse = {"coo": dense.to_sparse, "csr": dense.to_sparse_csr, "csc": dense.to_sparse_csc}.get(layout)
    tensor = sparse() if sparse else getattr(dense, f"to_sparse_{layout}")((2, 3))
    again = through_files(tensor)
    assert again.layout == tensor.layout
    assert torch.equal(again.to_dense(), dense)
    if layout == "coo":
        twice = torch.sparse_coo_tensor(torch.tensor([[0, 0]]), torch.tensor([1.0, 2.0]), (3,))
        assert not through_files(twice).is_coalesced()
        assert torch.equal(through_files(twice)._values(), twice._values())


def test_generators_go_on_where_they_were() -> None:
    torch_one = torch.Generator().manual_seed(3)
    torch.rand(5, generator=torch_one)
    again = through_files(torch_one)
    assert torch.equal(torch.rand(9, generator=again), torch.rand(9, generator=torch_one))
    python_one = random.Random(3)
    python_one.gauss(0, 1)
    again = through_files(python_one)
    assert [again.gauss(0, 1) for _ in range(3)] == [python_one.gauss(0, 1) for _ in range(3)]
    legacy = np.random.RandomState(3)
    legacy.randn()
    again = through_files(legacy)
    assert (again.randn(5) == legacy.randn(5)).all()
    for kind in (np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64):
        one = np.random.Generator(kind(5))
        one.random(3, dtype=np.float32)
        one.spawn(2)
        again = through_files(one)
        assert (again.random(4) == one.random(4)).all()
        assert (again.spawn(1)[0].random(4) == one.spawn(1)[0].random(4)).all()


def test_one_object_in_several_places_is_one_again() -> None:
    shared, tensor, array = [1], torch.ones(2), np.ones(2)
    again = through_files({"a": shared, "b": (shared, [shared]), "t": [tensor, tensor], "n": [array, array]})
    assert again["a"] is again["b"][0] is again["b"][1][0]
    assert again["t"][0] is again["t"][1]
    assert again["n"][0] is again["n"][1]
    wide: Any = (1,)
    for _ in range(60):  # 2 ** 60 values if each were written where it is
        wide = (wide, wide)
    again = through_files(wide)
    assert again[0] is again[1]


def in_itself() -> Any:
    value: dict[str, Any] = {"name": [1]}
    value["name"].append(value)
    return value


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


REFUSED: dict[str, tuple[Any, str]] = {
    "lock": ({"best": {"model": threading.Lock()}}, "best.model is a lock"),
    "function": ([0, {"a b": len}], "[1]['a b'] is a builtin_function_or_method"),
    "class": ({1: int}, "[1] is a class"),
    "module": ({"m": nn.Linear(1, 1)}, "m is a Linear"),
    "enum": ({"mode": Mode.SOFT}, "mode is a Mode"),
    "int enum": ({"level": Level.LOW}, "level is a Level"),
    "named tuple": ({"at": Point(1, 2)}, "at is a Point"),
    "torch's tuple": ({"top": torch.ones(2, 2).max(0)}, "top is a max"),
    "own dict": ({"words": Words()}, "words is a Words"),
    "own factory": (collections.defaultdict(lambda: 1), "it is a defaultdict with a factory of its own"),
    "objects": ({"x": np.array([object()])}, "x is an array of object"),
    "masked": ({"x": np.ma.array([1])}, "x is a MaskedArray"),
    "zone": ({"x": datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC"))}, "x is a ZoneInfo"),
    "path of another system": (PureWindowsPath("a"), "it is a PureWindowsPath"),
    "in a set": ({"s": {(1, Mode.SOFT)}}, "s[0][1] is a Mode"),
    "key": ({Mode.SOFT: 1}, "[<Mode.SOFT: 'soft'>] is a Mode"),
    "tensor key": ({"by": {torch.ones(1): 1}}, "by is a dictionary with tensors as keys"),
    "in itself": ({"tree": in_itself()}, "tree.name[1] is a value that contains itself"),
    "deep": (nested(100_000), "is nested in more than 80 others"),
    "layout": ({"x": torch.ones(2).to_mkldnn()}, "x is a tensor with the layout torch._mkldnn"),
    "own random": (random.SystemRandom(), "it is a SystemRandom"),
    "bit generator": (np.random.RandomState(np.random.PCG64()), "it is a RandomState with a bit generator of its own"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_saved_is_named_with_its_place(name: str) -> None:
    value, said = REFUSED[name]
    for check in (take_apart, require_savable):
        with pytest.raises(Unsavable) as error:
            check(value)
        assert said in f"{error.value}"
        assert len(f"{error.value}") < 200
        assert error.value.remedy.endswith(".")


@pytest.mark.filterwarnings("ignore")
def test_tensors_that_no_file_has_are_refused() -> None:
    quantized = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    jagged = torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged)
    for value in (quantized, jagged):
        with pytest.raises(Unsavable, match="tensor"):
            require_savable(value)
    require_savable([torch.ones(2, device="meta")])
    with pytest.raises(Unsavable, match="on the meta device"):
        take_apart([torch.ones(2, device="meta")])


def test_nothing_is_copied_to_find_out() -> None:
    class NoCopy(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = func(*args, **(kwargs or {}))
            assert not isinstance(made, torch.Tensor) or made.untyped_storage()._cdata in known
            return made

    tree = {"a": torch.ones(3), "b": [torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)]}
    known = {tree["a"].untyped_storage()._cdata, tree["b"][0].untyped_storage()._cdata}  # type: ignore[attr-defined, index]  # a dictionary of both
    with NoCopy():
        require_savable(tree)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["0", "1", "<f8"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)


def tags() -> list[str]:
    from registry_core.engine.checkpoint import tensor_tree

    return ["items", "tensor", "same", *tensor_tree._TAGS]


FORGED = st.recursive(
    JSON | st.sampled_from(["O", "os.system", "<M8[ns]", "PCG64", "torch.float32", "torch.load", "int", "list", "cpu"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(lambda tag, parts: {tag: parts}, st.sampled_from(tags()), st.lists(inner, max_size=5) | inner)
    ),
    max_leaves=12,
)
WATCHED = {"import", "exec", "compile", "os.system", "subprocess.Popen", "open", "socket.connect", "pickle.find_class"}


class Watch:
    """Notes the events of Python's audit hooks while it is on; such a hook cannot be removed."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self.note)

    def note(self, event: str, _: Any) -> None:
        if self.on and event in WATCHED:
            self.seen.append(event)


@pytest.mark.filterwarnings("ignore")
def test_a_forged_structure_is_refused_and_starts_nothing() -> None:
    warnings.simplefilter("ignore")
    for value in (*VALUES, *TENSORS, np.random.default_rng(0), torch.Generator(), random.Random(0)):
        through_files(value)  # imports what is imported at the first use
    with pytest.raises(WrongStructure):
        put_together({"sparse": [1]}, {})
    watch = Watch()

    @settings(max_examples=2000, deadline=None)
    @given(FORGED)
    @example({"numpy dtype": ["(2,)i4"]})
    def check(forged: Any) -> None:
        watch.on = True
        try:
            put_together(forged, {"0": torch.ones(2), "1": torch.arange(16, dtype=torch.uint8)})
        except WrongStructure:
            pass
        finally:
            watch.on = False

    check()
    assert watch.seen == []


@pytest.mark.parametrize("make", [lambda: [[]], lambda: {"tuple": [[]]}])
def test_a_structure_of_many_levels_is_refused(make: Callable[[], Any]) -> None:
    deep: Any = make()
    for _ in range(20_000):
        deep = [deep]
    with pytest.raises(WrongStructure, match="levels"):
        put_together(deep, {})


def test_addresses_of_objects_are_never_read() -> None:
    for described in ("O", "|O", [["a", "O"]], {"tuple": [["a", "O"]]}):
        for forged in (
            {"array": [{"tensor": "0"}, described, [2], None]},
            {"scalar": ["AAAAAAAAAAA=", described]},
            {"numpy dtype": [described]},
        ):
            with pytest.raises(WrongStructure):
                put_together(forged, {"0": torch.arange(16, dtype=torch.uint8)})
