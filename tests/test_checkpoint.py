"""Model files: what goes in comes out, and whatever else is opened is refused in words."""

import json
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from toy import detector, random_codes, tiny_bundle

from argminn_core.checkpoint import ModelBundle, load_model, read_model, save_model
from argminn_core.errors import ArgminnError, ModelFileError
from argminn_core.model import BOUNDS
from argminn_core.predict import predict


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    save_model(path, tiny_bundle(null_token=True, evidence=True))
    return path.read_bytes()


COMPILER = """
import sys
import torch
from argminn_core.checkpoint import load_model
bundle = load_model(sys.argv[1])
bundle.model(torch.zeros(1, 4, bundle.length))
print(*sorted({"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules)))
"""


def test_a_model_is_opened_and_used_without_the_compiler_of_torch(tmp_path, raw):
    """It takes two seconds to import, which every command and the first page would wait for."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(raw)
    done = subprocess.run([sys.executable, "-c", COMPILER, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def unpack(raw: bytes) -> tuple[dict, dict, bytes]:
    """Our header, safetensors' entries, and the numbers."""
    (length,) = struct.unpack("<Q", raw[:8])
    entries = json.loads(raw[8 : 8 + length])
    return json.loads(entries.pop("__metadata__")["argminn"]), entries, raw[8 + length :]


def pack(header: object, entries: dict, data: bytes) -> bytes:
    text = header if isinstance(header, str) else json.dumps(header)
    lines = json.dumps({"__metadata__": {"argminn": text}, **entries}).encode()
    return struct.pack("<Q", len(lines)) + lines + data


def with_header(raw: bytes, change) -> bytes:
    header, entries, data = unpack(raw)
    changed = change(header)
    return pack(header if changed is None else changed, entries, data)


def with_tensors(raw: bytes, change) -> bytes:
    """The same file with tensors changed, written by safetensors itself."""
    header, entries, _ = unpack(raw)
    tensors = {name: value.clone() for name, value in read_model(raw).model.state_dict().items()}
    assert tensors.keys() == entries.keys()
    change(tensors)
    return save(tensors, metadata={"argminn": json.dumps(header)})


@pytest.mark.parametrize(
    "options", [{}, {"strands": "single"}, {"null_token": True, "evidence": True}], ids=str
)
def test_a_model_comes_back_bit_for_bit(tmp_path, options):
    bundle = tiny_bundle(**options)
    bundle = replace(
        bundle, name="résumé 1", card={"metrics": {"auroc": 0.1 + 0.2}, "data": ["a", None, True], "µ": 1},
        motifs=[replace(bundle.motifs[0], match="MA1.1", match_name="X", q_value=1e-9), *bundle.motifs[1:]],
    )  # fmt: skip
    path = tmp_path / "m.safetensors"
    save_model(path, bundle)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    back = load_model(path)
    assert back.name == bundle.name and back.card == bundle.card and back.model.config == bundle.model.config
    codes = random_codes(5, 30)
    assert predict(back.model, codes).tobytes() == predict(bundle.model, codes).tobytes()
    for name, value in bundle.model.state_dict().items():
        assert torch.equal(back.model.state_dict()[name], value)
    assert not back.model.training and not any(p.requires_grad for p in back.model.parameters())
    for one, two in zip(bundle.motifs, back.motifs, strict=True):
        np.testing.assert_allclose(one.pfm, two.pfm, atol=1e-5)
        assert np.abs(two.pfm.sum(0) - 1).max() < 1e-12
        mine, theirs = one.to_dict(), two.to_dict()
        assert mine.keys() == theirs.keys() and all(mine[k] == theirs[k] for k in mine if k != "pfm")


def test_saving_twice_gives_the_same_bytes(tmp_path, raw):
    save_model(tmp_path / "again.safetensors", read_model(raw))
    first = (tmp_path / "again.safetensors").read_bytes()
    save_model(tmp_path / "again.safetensors", read_model(first))
    assert (tmp_path / "again.safetensors").read_bytes() == first


def test_a_bundle_knows_its_motifs():
    bundle = detector()
    assert bundle.length == 60 and bundle.motif("LEAD").filter == 1 and bundle.renamed("x").name == "x"
    with pytest.raises(ArgminnError, match=r"no motif of that name.*Found: LAED.*SITE, LEAD, DEAD"):
        bundle.motif("LAED")
    assert isinstance(bundle, ModelBundle)


def test_what_is_not_a_file_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"none\.safetensors cannot be read.*No such file"):
        load_model(tmp_path / "none.safetensors")
    with pytest.raises(ModelFileError, match="is not a file"):
        load_model(tmp_path)
    (tmp_path / "empty.safetensors").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"empty\.safetensors is damaged or cut off.*0 bytes"):
        load_model(tmp_path / "empty.safetensors")


def test_a_huge_file_is_refused_by_its_size(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: nothing is written
    with pytest.raises(ModelFileError, match="too large for a model"):
        load_model(path)


@pytest.mark.parametrize("share", [0, 1e-9, 1e-3, 0.05, 0.2, 0.5, 0.9, 0.9999])
def test_a_cut_file_is_refused(raw, share):
    for keep in {int(len(raw) * share), *((5, 8, 9, 10, len(raw) - 1) if share == 0 else ())}:
        with pytest.raises(ModelFileError, match=r"damaged or cut off|not a safetensors file"):
            read_model(raw[:keep])
    with pytest.raises(ModelFileError, match="damaged or cut off"):
        read_model(raw + b"\0")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code of a model file was run",))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_torch_pickle_is_named_and_not_opened(tmp_path, zipped):
    path = tmp_path / "model.pt"
    torch.save({"weight": torch.ones(3), "bomb": Bomb()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelFileError, match=r"model\.pt is a pickle.*could run code"):
        load_model(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_plain_pickle_is_not_opened(protocol):
    with pytest.raises(ModelFileError, match=r"is a pickle|not a safetensors file|damaged"):
        read_model(pickle.dumps(Bomb(), protocol))


@pytest.mark.parametrize(
    "content",
    [
        b">seq1\nACGTACGTACGT\n", b"\x89HDF\r\n\x1a\n" + bytes(64), b"\x1f\x8b" + bytes(64), bytes(4096),
        b"{}" * 40, struct.pack("<Q", 2) + b"{}", struct.pack("<Q", 2) + b"[]", b"\xff" * 64,
        struct.pack("<Q", 1 << 40) + b"{" * 64, struct.pack("<Q", 7 << 20) + b"{" * (7 << 20),
        struct.pack("<Q", 100_000) + b'{"a":' * 20_000,
    ],
    ids=["fasta", "hdf5", "gzip", "zeros", "json", "no-tensors", "list", "ff", "1TB", "7MB", "deep"],
)  # fmt: skip
def test_what_is_not_safetensors_is_refused(content):
    with pytest.raises(ModelFileError):
        read_model(content)


def test_safetensors_of_something_else_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"not a model of this package.*no format"):
        read_model(save({"a": torch.ones(3)}))
    with pytest.raises(ModelFileError, match="not a model of this package"):
        read_model(save({"a": torch.ones(3)}, metadata={"argminn": json.dumps({"format": "other"})}))


def deep(text: str) -> str:
    return "[" * 100_000 + text


def motif(**changes):
    return lambda header: header["motifs"][1].update(changes)


def config(**changes):
    return lambda header: header["config"].update(changes)


HEADERS = {
    "other-format": (lambda h: h.update(format="keras"), "not a model of this package.*keras"),
    "no-format": (lambda h: h.pop("format") and None, "not a model of this package"),
    "later-version": (lambda h: h.update(version=2), "version that is not known.*Found: 2"),
    "no-version": (lambda h: h.pop("version") and None, "version that is not known"),
    "no-config": (lambda h: h.pop("config") and None, "configuration in the model file is not"),
    "list-config": (lambda h: h.update(config=[1]), "configuration in the model file is not"),
    "odd-key": (config(colour="red"), "configuration in the model file is not.*colour"),
    "text-number": (config(filters="3"), "cannot be built.*filters is out of bounds"),
    "filters-1e9": (config(filters=10**9), "cannot be built.*filters is out of bounds"),
    "length-1e9": (config(length=10**9), "cannot be built.*length is out of bounds"),
    "length-1e400": (config(length=10**400), "cannot be built.*length is out of bounds"),
    "layers-nan": (config(layers=float("nan")), "cannot be built.*layers is out of bounds"),
    "heads-3": (config(heads=3), "cannot be built.*split into the heads"),
    "other-width": (config(width=6), "tensors in the model file are not those"),
    "other-filters": (config(filters=4), "tensors in the model file are not those"),
    "other-strands": (config(strands="single"), "tensors in the model file are not those"),
    "other-layers": (config(layers=4), "tensors in the model file are not those"),
    "no-null": (config(null_token=False), "tensors in the model file are not those"),
    "no-motifs": (lambda h: h.pop("motifs") and None, "motifs in the model file cannot be read"),
    "motifs-number": (lambda h: h.update(motifs=3), "motifs in the model file cannot be read"),
    "motifs-text": (lambda h: h.update(motifs=["a", "b", "c"]), "motifs in the model file cannot be read"),
    "fewer-motifs": (lambda h: h["motifs"].pop() and None, "each of its filters once.*2 motifs"),
    "motifs-swapped": (lambda h: h["motifs"].reverse(), "each of its filters once"),
    "filter-twice": (motif(filter=0), "each of its filters once"),
    "same-name": (motif(name="motif_01"), "two motifs in the model file share a name"),
    "pfm-of-3-rows": (motif(pfm=[[0.25] * 5] * 3), "motifs in the model file cannot be read"),
    "pfm-narrow": (motif(pfm=[[0.25] * 4] * 4, core=[0, 4]), "PFM of motif_02 .* not a matrix of its filter"),
    "pfm-flat": (motif(pfm=[0.25] * 4), "motifs in the model file cannot be read"),
    "pfm-ragged": (motif(pfm=[[1, 2], [3]]), "motifs in the model file cannot be read"),
    "pfm-text": (motif(pfm="ACGT"), "motifs in the model file cannot be read"),
    "pfm-nan": (motif(pfm=[[float("nan")] * 5] * 4), "PFM of motif_02"),
    "core-outside": (motif(core=[0, 6]), "motifs in the model file cannot be read.*core 0-6"),
    "core-reversed": (motif(core=[3, 2]), "motifs in the model file cannot be read"),
    "core-text": (motif(core="all"), "motifs in the model file cannot be read"),
    "windows-text": (motif(windows="many"), "motifs in the model file cannot be read"),
    "pfm-negative": (
        motif(pfm=[[-1] * 5, [2] * 5, [0] * 5, [0] * 5]),
        "motifs in the model file cannot be read",
    ),
    "pfm-empty": (motif(pfm=[[0] * 5] * 4), "PFM of motif_02"),
    "filter-infinite": (motif(filter=float("inf")), "motifs in the model file cannot be read"),
    "threshold-nan": (motif(threshold=float("nan")), "motifs in the model file cannot be read"),
    "threshold-1e400": (motif(threshold=10**400), "motifs in the model file cannot be read"),
    "header-list": (lambda h: [h], "is not ours|cannot be read"),
    "header-text": (lambda h: '"model"', "is not ours|cannot be read"),
    "header-broken": (lambda h: "{", "header of the model file cannot be read"),
    "header-deep": (lambda h: deep("1"), "header of the model file cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_lies_is_refused(raw, case):
    change, message = HEADERS[case]
    with pytest.raises(ModelFileError, match=message):
        read_model(with_header(raw, change))


def test_the_header_may_be_rewritten_where_it_says_the_same(raw):
    codes = random_codes(3, 30)
    for same in (with_header(raw, lambda h: None), with_tensors(raw, lambda t: None)):
        assert (
            predict(read_model(same).model, codes).tobytes()
            == predict(read_model(raw).model, codes).tobytes()
        )
    assert read_model(with_header(raw, lambda h: h.update(card=[1]))).card == {}


TENSORS = {
    "nan": (lambda t: t["scanner.weight"][0, 0].fill_(float("nan")), "scanner.weight .*not finite"),
    "infinite": (lambda t: t["layers.1.key.bias"][:1].fill_(float("inf")), "layers.1.key.bias .*not finite"),
    "half": (lambda t: t.update(stream=t["stream"].half()), "stream .*not finite float32"),
    "double": (lambda t: t.update(stream=t["stream"].double()), "stream .*not finite float32"),
    "numbers": (lambda t: t.update(stream=torch.ones(12, dtype=torch.int32)), "stream .*not finite float32"),
    "negative-variance": (lambda t: t["scanner.norm.running_var"].neg_(), "not variances"),
    "missing": (lambda t: t.pop("stream"), "not those of its configuration.*stream"),
    "extra": (lambda t: t.update(more=torch.ones(3)), "not those of its configuration.*more"),
    "turned": (lambda t: t.update(stream=t["stream"][None]), "not those of its configuration.*stream"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensors_that_do_not_fit_are_refused(raw, case):
    change, message = TENSORS[case]
    with pytest.raises(ModelFileError, match=message):
        read_model(with_tensors(raw, change))


def huge_shapes(entries):
    entries["scanner.weight"]["shape"] = [10**6, 4, 10**6]


def huge_offsets(entries):
    entries["scanner.weight"]["data_offsets"] = [0, 16 * 10**12]


def negative_shape(entries):
    entries["scanner.weight"]["shape"] = [-3, 4, -5]


def swapped_offsets(entries):
    one, two = entries["stream"], entries["scanner.weight"]
    one["data_offsets"], two["data_offsets"] = two["data_offsets"], one["data_offsets"]


def shared_offsets(entries):
    entries["layers.0.query.weight"]["data_offsets"] = entries["layers.1.query.weight"]["data_offsets"]


def no_offsets(entries):
    del entries["stream"]["data_offsets"]


def text_offsets(entries):
    for entry in entries.values():
        entry["data_offsets"] = ["0", "1"]


def unknown_type(entries):
    entries["stream"]["dtype"] = "F31"


def nested_shape(entries):
    entries["stream"]["shape"] = [[12]]


def entry_is_a_number(entries):
    entries["stream"] = 3


@pytest.mark.parametrize(
    "lie",
    [
        huge_shapes, huge_offsets, negative_shape, swapped_offsets, shared_offsets, no_offsets, text_offsets,
        unknown_type, nested_shape, entry_is_a_number,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_entries_that_lie_are_refused_and_nothing_large_is_allocated(raw, lie):
    header, entries, data = unpack(raw)
    lie(entries)
    hostile = pack(header, entries, data)
    refused_cheaply(hostile)


def refused_cheaply(hostile):
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(ModelFileError):
            read_model(hostile)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 5


def test_the_largest_configuration_in_a_small_file_is_refused_cheaply(raw, monkeypatch):
    largest = {name: high for name, (_, high) in BOUNDS.items()}
    monkeypatch.setattr("argminn_core.checkpoint.load", lambda _: pytest.fail("the tensors were read"))
    refused_cheaply(with_header(raw, config(**largest)))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_or_harmless(raw, data):
    damaged = bytearray(raw)
    flips = st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255))
    # Most bytes are numbers, most harm is done in the header.
    (length,) = struct.unpack("<Q", raw[:8])
    early = st.tuples(st.integers(0, 8 + length), st.integers(0, 255))
    for at, byte in data.draw(st.lists(flips | early, min_size=1, max_size=4)):
        damaged[at] = byte
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(raw))) :]
    try:
        bundle = read_model(bytes(damaged))
    except ModelFileError as error:
        assert str(error)
        return
    assert all(torch.isfinite(value).all() for value in bundle.model.state_dict().values())
    assert [m.filter for m in bundle.motifs] == [0, 1, 2]
    assert all(m.pfm.shape == (4, 5) and np.isfinite(m.pfm).all() for m in bundle.motifs)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_refused(content, claim):
    for hostile in (content, struct.pack("<Q", claim) + content, struct.pack("<Q", claim) + b"{" + content):
        with pytest.raises(ModelFileError):
            read_model(hostile)
