# SPDX-License-Identifier: MIT
# The compiled module: the public headers of the C library by cffi.
from typing import Any

ffi: Any
lib: Any
