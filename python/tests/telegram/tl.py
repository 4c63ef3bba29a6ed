# SPDX-License-Identifier: MIT
"""Neutral objects of the scripted server <-> TL objects of an installed
client library. Everything crosses as bytes: what the server sends is written
and parsed by the library, and so is what the client sends.
"""
import datetime
import inspect
from typing import Any, Dict, Type

from .server import Obj

def _camel(name: str) -> str:
    return name[0].upper() + name[1:]


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


class Dialect:
    """How a library names and builds TL objects."""

    def find(self, name: str) -> Type[Any]:
        raise NotImplementedError

    def name_of(self, thing: Any) -> str:
        raise NotImplementedError

    def fields_of(self, thing: Any) -> Dict[str, Any]:
        raise NotImplementedError

    def is_tl(self, thing: Any) -> bool:
        raise NotImplementedError

    def dump(self, thing: Any) -> bytes:
        raise NotImplementedError

    def parse(self, data: bytes) -> Any:
        raise NotImplementedError

    # -- both ways -------------------------------------------------------------

    def to_library(self, obj: Any) -> Any:
        """Neutral -> a library's object, by way of its bytes."""
        thing = self._build(obj)
        if isinstance(thing, (bool, list)):
            return thing
        return self.parse(self.dump(thing))

    def to_neutral(self, thing: Any) -> Any:
        """A library's object, by way of its bytes -> neutral."""
        return self._read(self.parse(self.dump(thing)))

    def _build(self, obj: Any) -> Any:
        if isinstance(obj, list):
            return [self._build(o) for o in obj]
        if not isinstance(obj, Obj):
            return obj
        if obj._name in ("boolTrue", "boolFalse"):
            return obj._name == "boolTrue"
        cls = self.find(obj._name)
        given = {}
        for name, parameter in list(
                inspect.signature(cls.__init__).parameters.items())[1:]:
            value = obj.get(name)
            if parameter.kind in (parameter.VAR_POSITIONAL,
                                  parameter.VAR_KEYWORD):
                continue    # a constructor without fields
            if value is None and parameter.default is parameter.empty:
                value = _empty(parameter.annotation)
            if value is not None:
                given[name] = self._build(value)
        return cls(**given)

    def _read(self, thing: Any) -> Any:
        if isinstance(thing, (list, tuple)):
            return [self._read(t) for t in thing]
        if isinstance(thing, datetime.datetime):
            return int(thing.timestamp())
        if not self.is_tl(thing):
            return thing
        return Obj(self.name_of(thing), **{
            k: self._read(v) for k, v in self.fields_of(thing).items()})


def _empty(annotation: Any) -> Any:
    """What fills a field that calls have nothing to do with."""
    text = str(annotation).lower()
    if "datetime" in text:
        return 0
    if "list" in text:
        return []
    for kind, value in (("bool", False), ("bytes", b""), ("str", ""),
                        ("int", 0)):
        if annotation in (kind, type(value)):
            return value
    raise TypeError(f"no neutral value for {annotation}")


class TelethonDialect(Dialect):
    def __init__(self) -> None:
        from telethon.extensions import BinaryReader
        from telethon.tl import TLObject, functions, types
        self._reader, self._tl = BinaryReader, TLObject
        self._types, self._functions = types, functions

    def find(self, name: str) -> Type[Any]:
        space, _, last = name.rpartition(".")
        module = getattr(self._types, space) if space else self._types
        return getattr(module, _camel(last))

    def name_of(self, thing: Any) -> str:
        name = type(thing).__name__
        space = type(thing).__module__.rpartition(".")[2]
        if name.endswith("Request"):
            name = name[:-len("Request")]
        name = _lower(name)
        return name if space in ("types", "functions") else f"{space}.{name}"

    def fields_of(self, thing: Any) -> Dict[str, Any]:
        return {k: v for k, v in vars(thing).items()
                if not k.startswith("_")}

    def is_tl(self, thing: Any) -> bool:
        return isinstance(thing, self._tl)

    def dump(self, thing: Any) -> bytes:
        return bytes(thing)

    def parse(self, data: bytes) -> Any:
        with self._reader(data) as reader:
            return reader.tgread_object()


class PyrogramDialect(Dialect):
    """Pyrogram, and Kurigram, which has its name."""

    def __init__(self) -> None:
        from io import BytesIO
        from pyrogram import raw
        from pyrogram.raw.core import TLObject
        self._bytes, self._raw, self._tl = BytesIO, raw, TLObject

    def find(self, name: str) -> Type[Any]:
        space, _, last = name.rpartition(".")
        types = self._raw.types
        return getattr(getattr(types, space) if space else types,
                       _camel(last))

    def name_of(self, thing: Any) -> str:
        # functions.phone.RequestCall, types.PhoneCall
        space, _, name = thing.QUALNAME.partition(".")[2].rpartition(".")
        return f"{space}.{_lower(name)}" if space else _lower(name)

    def fields_of(self, thing: Any) -> Dict[str, Any]:
        return {name: getattr(thing, name) for name in thing.__slots__}

    def is_tl(self, thing: Any) -> bool:
        return isinstance(thing, self._tl)

    def dump(self, thing: Any) -> bytes:
        return thing.write()

    def parse(self, data: bytes) -> Any:
        return self._tl.read(self._bytes(data))
