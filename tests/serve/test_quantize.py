"""Int8 by hand: the arithmetic of ONNX's operators, bounds that hold, sums that saturate, processors told apart."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bertlib.serve import quantize
from bertlib.serve.quantize import (
    QuantizedLinear,
    add_up,
    processor_units,
    quantized,
    quantized_inputs,
    suited_bits,
)


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(24, 33)).astype(np.float32) * rng.uniform(0.01, 3, (24, 1)).astype(np.float32)
    weight[5] = 0
    return weight, rng.normal(size=24).astype(np.float32), rng.normal(0.4, 1, (17, 33)).astype(np.float32)


@pytest.mark.parametrize("bits", [7, 8])
def test_it_is_the_same_arithmetic_in_double_precision(bits, sides):
    weight, bias, inputs = sides
    layer = QuantizedLinear(weight, bias, bits=bits)
    most = 2 ** (bits - 1) - 1
    scales = np.where(np.abs(weight).max(1) > 0, np.abs(weight).max(1).astype(np.float32) / np.float32(most), 1)
    whole = np.rint(weight / scales[:, None])
    scale = np.float32((max(inputs.max(), 0) - min(inputs.min(), 0)) / 255)
    zero = np.rint(-min(float(inputs.min()), 0) / scale)
    given = np.clip(np.rint(inputs / scale) + zero, 0, 255)
    wanted = ((given - zero).astype(np.float64) @ whole.T) * (np.float64(scale) * scales) + bias
    np.testing.assert_allclose(layer(inputs), wanted, rtol=1e-5, atol=1e-5)
    assert np.abs(layer.whole).max() == most and layer.whole.dtype == np.int8
    assert (np.abs(layer.whole[5]) == 0).all() and layer(inputs)[:, 5] == pytest.approx(bias[5])


@pytest.mark.parametrize("bits", [7, 8])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
def test_no_result_is_further_off_than_the_bound(bits, shift, sides):
    weight, bias, inputs = sides
    layer, inputs = QuantizedLinear(weight, bias, bits=bits), inputs + np.float32(shift)
    off = np.abs(layer(inputs) - (inputs.astype(np.float64) @ weight.T.astype(np.float64) + bias))
    bound = layer.largest_error(inputs)
    assert (off <= bound + 1e-4).all() and (off / (bound + 1e-9)).max() > 0.1, "a bound that says something"


def test_onnx_runtime_computes_the_same(sides):
    weight, bias, inputs = sides
    layer = QuantizedLinear(weight, bias)
    constants = {"w": layer.whole.T, "s": layer.scales, "b": layer.bias}
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "xs", "xz"]),
        helper.make_node("MatMulInteger", ["q", "w", "xz"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["xs", "s"], ["scale"]),
        helper.make_node("Mul", ["floats", "scale"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["y"]),
    ]
    io = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])] for name, size in (("x", 33), ("y", 24))
    ]
    weights = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "one", *io, weights)
    written = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(written)
    session = onnxruntime.InferenceSession(written.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(layer(inputs), session.run(None, {"x": inputs})[0], rtol=1e-4, atol=1e-4)


def test_zero_stays_zero_and_the_ends_of_the_range_are_kept():
    given, scale, zero = quantized_inputs(np.array([[-1.0, 0.0, 3.0]], np.float32))
    assert given.tolist() == [[0, 64, 255]] and zero == 64 and scale == pytest.approx(4 / 255)
    assert quantized_inputs(np.zeros((2, 2), np.float32))[0].tolist() == [[0, 0], [0, 0]]
    assert quantized_inputs(np.full((1, 2), 5.0, np.float32))[2] == 0


def test_pairs_saturate_with_eight_bits_and_not_with_seven():
    bright = np.full((1, 4), 255, np.uint8)
    for bits, alike in ((8, False), (7, True)):
        whole, _ = quantized(np.ones((1, 4), np.float32), bits)
        exact, cut = add_up(bright, whole), add_up(bright, whole, saturate=True)
        assert (exact == cut).all() == alike
    assert add_up(bright, np.full((1, 4), 127, np.int8), saturate=True).tolist() == [[2 * 32767]]
    odd = add_up(bright[:, :3], np.full((1, 3), 60, np.int8), saturate=True)
    assert odd.tolist() == [[3 * 255 * 60]], "an odd number of products has its last one alone"


def test_bits_are_seven_or_eight():
    with pytest.raises(ValueError, match="bits=4: give 8, or 7"):
        quantized(np.ones((2, 2)), 4)


@pytest.mark.parametrize(
    ("flags", "units"),
    [
        ("flags : fpu avx2 fma", ()),
        ("flags : avx2 avx512f avx512bw", ()),
        ("flags : avx2 avx_vnni", ("avx_vnni",)),
        ("flags : avx512f avx512_vnni amx_int8", ("avx512_vnni", "amx_int8")),
        ("Features : fp asimd asimddp i8mm", ("asimddp", "i8mm")),
    ],
)
def test_units_are_read_as_linux_states_them(flags, units, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n", encoding="utf-8")
    monkeypatch.setattr(quantize, "Path", lambda _: tmp_path / "cpuinfo")
    assert processor_units() == units and suited_bits() == (8 if units else 7)


@pytest.mark.parametrize(("machine", "features", "units"), [
    ("arm64", {}, ("asimddp",)),
    ("AMD64", {"AVX512VNNI": True}, ("avx512_vnni",)),
    ("AMD64", {"AVX512VNNI": False, "AVX2": True}, ()),
])  # fmt: skip
def test_units_of_other_systems(machine, features, units, tmp_path, monkeypatch):
    monkeypatch.setattr(quantize, "Path", lambda _: tmp_path / "nothing")
    monkeypatch.setattr(quantize.platform, "machine", lambda: machine)
    monkeypatch.setattr(np._core._multiarray_umath, "__cpu_features__", features, raising=False)
    assert processor_units() == units
