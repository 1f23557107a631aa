"""Int8 by hand: a linear layer in whole numbers, and whether a processor has units for them."""

import platform
from pathlib import Path

import numpy as np

# Units that add products of bytes in 32 bits, as Linux calls them.
UNITS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")


def processor_units() -> tuple[str, ...]:
    """Which of UNITS this processor has; without any, 8-bit weights may saturate (see `add_up`)."""
    stated = Path("/proc/cpuinfo")
    if stated.is_file():
        flags = set(stated.read_text(encoding="utf-8", errors="replace").lower().split())
    elif platform.machine().lower() in ("arm64", "aarch64"):  # every Mac of that kind, every Windows machine since 2018
        flags = {"asimddp"}
    else:
        known = getattr(np._core._multiarray_umath, "__cpu_features__", {})
        flags = {"avx512_vnni"} if known.get("AVX512VNNI") else set()
    return tuple(name for name in UNITS if name in flags)


def suited_bits() -> int:
    """Of a weight, for this processor: 8, or 7 where sums of two products have to fit into 16 bits."""
    return 8 if processor_units() else 7


def quantized(weight: np.ndarray, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """A matrix in whole numbers, each row with a scale of its own: weight ≈ scale[:, None] · whole.

    Args:
        weight: (out, in) floats. bits: 8 for -127 … 127, 7 for -63 … 63.

    Returns:
        int8 (out, in) and float32 (out,).
    """
    if bits not in (7, 8):
        raise ValueError(f"bits={bits!r}: give 8, or 7 for processors without units for int8")
    most = 2 ** (bits - 1) - 1
    scales = np.abs(weight).max(axis=1).astype(np.float32) / np.float32(most)
    scales[scales == 0] = 1.0  # a row of zeros
    return np.clip(np.rint(weight / scales[:, None]), -most, most).astype(np.int8), scales


def quantized_inputs(inputs: np.ndarray) -> tuple[np.ndarray, np.float32, int]:
    """Activations as bytes, by their own range, 0 in it (ONNX, DynamicQuantizeLinear): inputs ≈ scale · (bytes - zero).

    Returns:
        uint8 of the same shape, the scale, and the byte that stands for 0.
    """
    low, high = min(float(inputs.min()), 0.0), max(float(inputs.max()), 0.0)
    scale = np.float32((high - low) / 255 or 1.0)
    zero = int(np.clip(np.rint(-low / scale), 0, 255))
    return np.clip(np.rint(inputs / scale) + zero, 0, 255).astype(np.uint8), scale, zero


def add_up(inputs: np.ndarray, whole: np.ndarray, *, saturate: bool = False) -> np.ndarray:
    """Products of bytes (N, in) and a matrix (out, in), added up in 32 bits: int32 (N, out).

    Args:
        saturate: as AVX2 and AVX-512 do without VNNI (vpmaddubsw): two neighbouring products are first added in 16
            bits, and what is beyond -32,768 … 32,767 is cut off. 7-bit weights stay inside.
    """
    if not saturate:
        return inputs.astype(np.int32) @ whole.T.astype(np.int32)
    products = inputs[:, None, :].astype(np.int32) * whole.astype(np.int32)
    if products.shape[-1] % 2:
        products = np.pad(products, ((0, 0), (0, 0), (0, 1)))
    return np.clip(products[..., ::2] + products[..., 1::2], -(2**15), 2**15 - 1).sum(axis=-1, dtype=np.int32)


class QuantizedLinear:
    """A linear layer in int8: weights quantized once, row by row, inputs at each call (Jacob et al., 2018, §2).

    Args:
        weight: (out, in) floats, such as `linear.weight.detach().numpy()`. bias: (out,), or None. bits: of a weight.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray | None = None, *, bits: int = 8):
        self.whole, self.scales = quantized(np.asarray(weight), bits)
        self.bias = np.zeros(len(self.whole), np.float32) if bias is None else np.asarray(bias, np.float32)
        self.weight_error = self.scales / 2  # at most, of a weight in each row

    def __call__(self, inputs: np.ndarray, *, saturate: bool = False) -> np.ndarray:
        """(N, in) floats -> (N, out) float32; `saturate` as in `add_up`."""
        given, scale, zero = quantized_inputs(inputs)
        sums = add_up(given, self.whole, saturate=saturate) - zero * self.whole.sum(axis=1, dtype=np.int32)
        return sums * (scale * self.scales) + self.bias

    def largest_error(self, inputs: np.ndarray) -> np.ndarray:
        """(N, out): how far the result can be from that of the floats, rounding of the last sum aside."""
        _, scale, _ = quantized_inputs(inputs)
        of_inputs = scale * np.abs(self.whole * self.scales[:, None]).sum(axis=1)  # half for the value, half for zero
        return np.abs(inputs).sum(axis=1)[:, None] * self.weight_error + of_inputs
