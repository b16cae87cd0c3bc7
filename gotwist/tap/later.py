"""Modules of others that are loaded at their first use, because most daemons never use them.

Twisted and Autobahn import these at the top of files that every daemon needs, for things that
only few do.  Put off, such a module is in its place, but empty; the first use of any of its
names loads it, from wherever that comes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.abc import Loader
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Final

RARELY_USED: Final = (
    # Certificates and clients of TLS; where it is on, gotwist.web.tls loads both at the start.
    "twisted.internet.ssl",
    "cryptography.x509",
    # Connecting to others.
    "twisted.internet.endpoints",
    # WAMP, its messages, and the redirects of Autobahn's own status page.
    "autobahn.twisted",
    "cbor2",
    "hyperlink",
    # Pages of tracebacks, which nobody is shown.
    "twisted.web.util",
)


def put_off(names: Iterable[str] = RARELY_USED) -> None:
    """Let these modules be loaded at their first use.

    What is loaded already, or is not installed, stays as it is.
    """
    for name in names:
        if name in sys.modules:
            continue
        try:
            spec = find_spec(name)
        except ModuleNotFoundError:
            continue
        if spec is None or spec.loader is None:
            continue
        module = module_from_spec(spec)
        vars(module)["__getattr__"] = _FirstUse(module, spec.loader)
        sys.modules[name] = module
        parent, _, own = name.rpartition(".")
        if parent:
            # As an import would have done; ``import a.b`` relies on it.
            setattr(sys.modules[parent], own, module)


class _FirstUse:
    """Stands in a module that is put off, as its ``__getattr__``."""

    def __init__(self, module: ModuleType, loader: Loader) -> None:
        self._module = module
        self._loader = loader
        self._lock = RLock()
        self._is_loading = False

    def __call__(self, name: str) -> object:
        # Every ``from module import name`` asks for the path, which only packages have.
        if name != "__path__" and self._load():
            return getattr(self._module, name)
        raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r}")

    def _load(self) -> bool:
        """Load the module; false while it is being loaded, and in a circle asks for itself."""
        with self._lock:
            names = vars(self._module)
            if self._is_loading:
                return False
            if names.get("__getattr__") is self:
                self._is_loading = True
                try:
                    self._loader.exec_module(self._module)
                finally:
                    self._is_loading = False
                # Unless the module has one of its own.
                if names.get("__getattr__") is self:
                    del names["__getattr__"]
            return True
