"""Plain values as JSON and back, between a grader and a process that it does not trust: data only, never code.

Lists, tuples, dicts, sets, numbers, texts, numpy arrays and scalars, torch tensors (on the CPU, no gradient), numpy
Generators (their state), `...` and NotImplemented. Named tuples arrive as tuples; other sequences (a range, a deque)
and numpy's arrays of texts or objects as lists, which a check takes for the same. A function goes over as a number, by
which the other side calls it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

MOST_BYTES = 8 * 2**20  # of one array; a whole message may have twice as much
MOST_KEYS = 20_000  # of a dict or set: keys can be chosen so that finding one takes as many steps as there are keys
DEEPEST = 50
ARRAY_TYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)
TENSOR_TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


class WireError(ValueError):
    """A value that cannot go over, or a message that is no value."""


def encode(value: object, name_function: Callable[[Callable], int] | None = None) -> object:
    """What json.dumps takes.

    Args:
        value: see above.
        name_function: gives a function its number; None if functions may not go over.

    Raises:
        WireError: a kind of value that has no form here.
    """
    return _encode(value, name_function, 0)


def _encode(value, name_function, depth):
    if depth > DEEPEST:
        raise WireError(f"a value is nested more than {DEEPEST} deep")

    def inner(part):
        return _encode(part, name_function, depth + 1)

    if isinstance(value, np.str_):
        return str(value)
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, np.generic)):
        return value
    if isinstance(value, list):
        return [inner(part) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [inner(part) for part in value]}
    if isinstance(value, set | frozenset):
        return {"set": [inner(part) for part in value]}
    if isinstance(value, Mapping):
        return {"dict": [[inner(key), inner(part)] for key, part in value.items()]}
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        if kind not in TENSOR_TYPES:
            raise WireError(f"a tensor of dtype {value.dtype}")
        flat = value.detach().cpu().contiguous()
        return {"tensor": [kind, list(flat.shape), _base64(flat.reshape(-1).view(torch.uint8).numpy().tobytes())]}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind in "UO" and isinstance(value, np.ndarray):
            return inner(array.tolist())
        if array.dtype.name not in ARRAY_TYPES:
            raise WireError(f"a numpy array of dtype {array.dtype}")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)  # dtype names do not tell the order of bytes
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {kind: [array.dtype.name, list(array.shape), _base64(np.ascontiguousarray(array).tobytes())]}
    if isinstance(value, np.random.Generator):
        if value.bit_generator.state["bit_generator"] != "PCG64":
            raise WireError("a random generator other than numpy's default")
        return {"rng": value.bit_generator.state}
    if value is Ellipsis or value is NotImplemented:
        return {"constant": repr(value)}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [inner(part) for part in value]
    if callable(value) and name_function is not None:
        return {"function": name_function(value)}
    raise WireError(f"a {type(value).__name__}")


def _base64(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise WireError(f"an array of {len(data) / 2**20:.0f} MiB; {MOST_BYTES // 2**20} are the most")
    return base64.b64encode(data).decode("ascii")


def decode(message: object, function_named: Callable[[int], Callable] | None = None) -> object:
    """The value of an encoded one. Nothing about it is trusted.

    Args:
        message: as json.loads gives it.
        function_named: the function that stands for the other side's function of this number; None refuses them.

    Raises:
        WireError: it is not the form of any value.
    """
    try:
        return _decode(message, function_named, 0)
    except WireError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError(f"malformed: {type(error).__name__}") from None


def _decode(message, function_named, depth):
    if depth > DEEPEST:
        raise WireError(f"a value is nested more than {DEEPEST} deep")

    def inner(part):
        return _decode(part, function_named, depth + 1)

    if message is None or isinstance(message, bool | int | float | str):
        return message
    if isinstance(message, list):
        return [inner(part) for part in message]
    ((kind, content),) = message.items()
    if kind == "tuple":
        return tuple(inner(part) for part in content)
    if kind in ("set", "dict") and len(content) > MOST_KEYS:
        raise WireError(f"a {kind} of {len(content)}; {MOST_KEYS} are the most")
    if kind == "set":
        return {inner(part) for part in content}
    if kind == "dict":
        return {inner(key): inner(part) for key, part in content}
    if kind in ("tensor", "array", "scalar"):
        name, shape, text = content
        if name not in (TENSOR_TYPES if kind == "tensor" else ARRAY_TYPES):
            raise WireError(f"unknown dtype {name!r:.20}")
        if not all(type(size) is int and 0 <= size <= MOST_BYTES for size in shape) or len(shape) > 32:
            raise WireError("malformed shape")
        dtype = getattr(torch, name) if kind == "tensor" else np.dtype(name)
        data = base64.b64decode(text, validate=True)
        if len(data) != math.prod(shape) * dtype.itemsize or len(data) > MOST_BYTES:
            raise WireError("an array's bytes do not fit its shape")
        if kind == "tensor":
            raw = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
            return (raw.view(dtype) if data else torch.empty(0, dtype=dtype)).reshape(shape)
        array = np.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
        return array if kind == "array" else array[()]
    if kind == "rng":
        generator = np.random.default_rng(0)
        state = content["state"]
        if not all(type(number) is int and 0 <= number < 2**128 for number in (state["state"], state["inc"])):
            raise WireError("malformed state of a generator")
        generator.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": state["state"], "inc": state["inc"]},
            "has_uint32": int(content["has_uint32"]),
            "uinteger": int(content["uinteger"]),
        }
        return generator
    if kind == "constant":
        return {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}[content]
    if kind == "function" and function_named is not None and type(content) is int:
        return function_named(content)
    raise WireError(f"unknown kind of value {kind!r:.20}")


def carry_back(mine: object, theirs: object) -> None:
    """Write what became of an argument on the other side into the caller's own object, as a local call would have.

    Args:
        mine: list, dict, array, tensor or Generator that was sent; anything else cannot change.
        theirs: the decoded one that came back.
    """
    if isinstance(mine, list) and isinstance(theirs, list):
        for one, other in zip(mine, theirs, strict=False):
            carry_back(one, other)
        if len(mine) != len(theirs) or any(
            _simple(one) and one != other for one, other in zip(mine, theirs, strict=True)
        ):
            mine[:] = [one if not _simple(one) else other for one, other in zip(mine, theirs, strict=False)] + theirs[
                len(mine) :
            ]
    elif isinstance(mine, tuple) and isinstance(theirs, tuple):
        for one, other in zip(mine, theirs, strict=False):
            carry_back(one, other)
    elif isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [key for key in mine if key not in theirs]:
            del mine[key]
        for key, other in theirs.items():
            if key in mine and not _simple(mine[key]):
                carry_back(mine[key], other)
            else:
                mine[key] = other
    elif isinstance(mine, Tensor) and isinstance(theirs, Tensor):
        if mine.shape == theirs.shape and mine.dtype == theirs.dtype and not torch.equal(mine, theirs):
            with torch.no_grad():
                mine.copy_(theirs)
    elif isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
        if mine.shape == theirs.shape and mine.flags.writeable:
            mine[...] = theirs
    elif isinstance(mine, np.random.Generator) and isinstance(theirs, np.random.Generator):
        mine.bit_generator.state = theirs.bit_generator.state


def _simple(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
