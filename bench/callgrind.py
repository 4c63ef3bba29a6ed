# SPDX-License-Identifier: MIT
"""Reads a profile of callgrind and adds up what chosen functions cost.

Only what is needed here: one event (instructions), functions with the object
they are in, and calls with their inclusive cost.
"""
import os
import re

NAME = re.compile(r"\((\d+)\)(?: (.*))?$")


class Function:
    def __init__(self, name, object_name):
        self.name, self.object = name, object_name
        self.own = 0

    def __repr__(self):
        return f"{self.object}:{self.name}"


class Profile:
    """own cost of each function, and the cost of each call between two."""

    def __init__(self, path):
        self.functions = {}         # (object, name) -> Function
        self.calls = {}             # (caller, callee) -> inclusive cost
        self.names = {"fn": {}, "ob": {}}
        self.total = 0
        with open(path, errors="replace") as f:
            self.read(f)

    def name(self, kind, text):
        m = NAME.match(text)
        if not m:
            return text
        number, name = m.groups()
        if name is not None:
            self.names[kind][number] = name
        return self.names[kind].get(number, "?")

    def function(self, object_name, name):
        key = (object_name, name)
        if key not in self.functions:
            # callgrind adds 'N to a name that calls itself
            self.functions[key] = Function(name.split("'")[0], object_name)
        return self.functions[key]

    def read(self, lines):
        object_name, current = "", None
        callee_object, callee, is_call = None, None, False
        for line in lines:
            line = line.rstrip("\n")
            if not line or line[0] == "#":
                continue
            key, eq, rest = line.partition("=")
            if eq and key in ("ob", "cob"):
                name = os.path.basename(self.name("ob", rest))
                if key == "ob":
                    object_name = name
                else:
                    callee_object = name
            elif eq and key == "fn":
                current = self.function(object_name, self.name("fn", rest))
            elif eq and key == "cfn":
                # without a "cob" the callee is in the caller's object
                callee = self.function(callee_object or object_name,
                                       self.name("fn", rest))
                callee_object = None
            elif eq and key == "calls":
                is_call = True
            elif line[0].isdigit() or line[0] in "+-*":
                fields = line.split()
                cost = int(fields[1]) if len(fields) > 1 else 0
                if is_call:
                    pair = (current, callee)
                    self.calls[pair] = self.calls.get(pair, 0) + cost
                    is_call = False
                else:
                    current.own += cost
                    self.total += cost

    def inclusive(self, chosen):
        """Cost of the chosen functions with all that they call, each counted
        where it is entered from outside."""
        return sum(cost for (a, b), cost in self.calls.items()
                   if chosen(b) and not chosen(a))

    def own(self, chosen):
        return sum(f.own for f in self.functions.values() if chosen(f))

    def dearest(self, chosen, helpers, count):
        """The dearest of the chosen functions, by name: their own cost and
        that of the helpers (of the C library, say) that they call."""
        cost = {}
        for f in self.functions.values():
            if chosen(f):
                cost[f.name] = cost.get(f.name, 0) + f.own
        for (a, b), c in self.calls.items():
            if chosen(a) and helpers(b):
                cost[a.name] += c
        return sorted(cost.items(), key=lambda x: -x[1])[:count]
