# SPDX-License-Identifier: MIT
"""The SOCKS5 proxy of a call. No message says what was given for one: a
password could be anywhere in it."""
from typing import Any, List, NamedTuple, Optional

from ._errors import as_str
from ._native import ffi, lib

_FORM = "socks5://[user:password@]host:port"
_TEXT_MAX = 255


class Proxy(NamedTuple):
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.host!r}, {self.port})"


def _wrong(what: str) -> ValueError:
    return ValueError(f"proxy: {what}; {_FORM} expected")


def _part(name: str, text: str) -> str:
    from urllib.parse import unquote
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _wrong(f"the {name} is not UTF-8") from None
    if not 1 <= len(value.encode("utf-8", "replace")) <= _TEXT_MAX or (
            "\0" in value):
        raise _wrong(f"the {name} must have 1 to {_TEXT_MAX} bytes")
    return value


def parse_proxy(url: Optional[str]) -> Optional[Proxy]:
    """What is special in a URL is written as %XX in user and password."""
    if url is None:
        return None
    from urllib.parse import urlsplit   # `import tgvoip` has to be quick
    as_str("proxy", url)
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:      # its words would repeat the text
        raise _wrong("is not a URL with a port of 1..65535") from None
    if parts.scheme != "socks5":
        raise _wrong("another kind of proxy")
    if not host or not port:
        raise _wrong("host or port is missing")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _wrong("something follows the port, or the password has a "
                     "character that must be written as %XX")
    if parts.username is None:
        return Proxy(_part("host", host), port)
    return Proxy(_part("host", host), port, _part("user", parts.username),
                 _part("password", parts.password or ""))


def proxy_struct(proxy: Optional[Proxy], keep: List[Any]) -> Any:
    """`struct tgvoip_proxy *`, or NULL; what it points to lives in `keep`."""
    if proxy is None:
        return ffi.NULL
    out = ffi.new("struct tgvoip_proxy *")
    lib.tgvoip_proxy_default(out)
    out.port = proxy.port
    for name in ("host", "user", "password"):
        chars = ffi.new("char[]", getattr(proxy, name).encode())
        keep.append(chars)
        setattr(out, name, chars)
    keep.append(out)
    return out
