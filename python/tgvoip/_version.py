# SPDX-License-Identifier: MIT
"""Our own version; `VoIPController.LIBTGVOIP_VERSION` is another thing."""
from ._errors import text
from ._native import lib

__version__: str = text(lib.tgvoip_version())
