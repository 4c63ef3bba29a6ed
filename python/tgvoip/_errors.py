# SPDX-License-Identifier: MIT
"""Errors: of the C library, of wrong arguments, of users' callbacks."""
import os
import sys
import traceback
from enum import Enum
from types import SimpleNamespace
from typing import Any, List, Optional, Type, TypeVar, Union

from ._native import ffi, lib

E = TypeVar("E", bound=Enum)


class VoIPError(RuntimeError):
    """The library refused something. `code` is its number (TGVOIP_ERR_*)."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


def text(chars: Any) -> str:
    """A C string."""
    return str(ffi.string(chars).decode("utf-8", "replace"))


def error_of(code: int, failure: Any = None) -> Exception:
    """The exception that says what a C function has returned."""
    message = text(lib.tgvoip_error_str(code))
    if failure is not None and failure.code:
        what, why = text(failure.what), text(failure.why)
        message = f"{what}: {why}" if what else why
    if code == lib.TGVOIP_ERR_INVALID:
        return ValueError(message)
    if code == lib.TGVOIP_ERR_NOMEM:
        return MemoryError(message)
    if code in (lib.TGVOIP_ERR_IO, lib.TGVOIP_ERR_NO_SPACE):
        return OSError(message)
    return VoIPError(message, code)


# -- users' callbacks --------------------------------------------------------

def report(what: Any) -> None:
    """Tell of the exception being handled, which nobody else will see.

    It goes to `sys.unraisablehook`, as what a destructor raises does.
    """
    kind, value, trace = sys.exc_info()
    if kind is None or sys.is_finalizing():
        return
    hook = sys.unraisablehook
    try:
        if hook is sys.__unraisablehook__:  # takes nothing but its own type
            name = getattr(what, "__qualname__", None) or repr(what)
            lines = traceback.format_exception(kind, value, trace)
            sys.stderr.write(f"Exception ignored in: {name}\n"
                             + "".join(lines))
        else:
            hook(SimpleNamespace(
                exc_type=kind, exc_value=value, exc_traceback=trace,
                err_msg="Exception ignored in", object=what))
    except Exception:
        pass    # as the interpreter does


# -- wrong arguments ---------------------------------------------------------

def wrong_type(name: str, expected: str, value: Any) -> TypeError:
    return TypeError(f"{name}: {expected} expected, "
                     f"got {type(value).__name__}")


def as_int(name: str, value: Any, least: Optional[int] = None,
           most: Optional[int] = None) -> int:
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise wrong_type(name, "int", value)
    number = int(value.__index__())
    if (least is not None and number < least
            or most is not None and number > most):
        raise ValueError(f"{name}: {number} is out of range {least}..{most}")
    return number


def as_bool(name: str, value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, int):
        raise ValueError(f"{name}: True or False expected, got {value}")
    raise wrong_type(name, "bool", value)


def as_str(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type(name, "str", value)
    if "\0" in value:
        raise ValueError(f"{name}: contains a null character")
    return value


def as_bytes(name: str, value: Any, length: Optional[int] = None) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise wrong_type(name, "bytes", value)
    data = bytes(value)
    if length is not None and len(data) != length:
        raise ValueError(f"{name}: {length} bytes expected, got {len(data)}")
    return data


#: `memoryview.format` of bytes and of signed 16-bit samples of this machine.
_PCM_FORMATS = {"b", "B", "c", "h", "@h",
                "<h" if sys.byteorder == "little" else ">h"}


def as_pcm(name: str, value: Any) -> memoryview:
    """Mono PCM as bytes. Other things that have a buffer are refused: floats
    taken for samples would be noise."""
    try:
        view = memoryview(value)
    except TypeError:
        raise wrong_type(name, "bytes of signed 16-bit samples",
                         value) from None
    if view.format not in _PCM_FORMATS:
        raise TypeError(f"{name}: bytes or signed 16-bit samples expected, "
                        f"got {type(value).__name__} of items "
                        f"{view.format!r}")
    if sum(length > 1 for length in view.shape or ()) > 1:
        raise ValueError(f"{name}: one channel expected, got the shape "
                         f"{view.shape}")
    if view.nbytes and view.c_contiguous and len(view.format) == 1:
        return view.cast("B")
    return memoryview(view.tobytes())


def as_path(name: str, value: Union[str, "os.PathLike[str]"]) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise wrong_type(name, "str or path", value)
    path = os.fspath(value)
    if not isinstance(path, str):
        raise wrong_type(name, "str or path", path)
    return as_str(name, path)


def as_enum(name: str, value: Any, kind: Type[E]) -> E:
    """A member, or its number."""
    if isinstance(value, kind):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, f"{kind.__name__} or int", value)
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name}: {value} is not a {kind.__name__}") from None


def as_list(name: str, value: Any) -> List[Any]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise wrong_type(name, "list", value)
    return list(value)
