"""The house rules of docs/architecture.md, read from the imports of every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

#: A room, and the rooms its modules may import.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "applications": ("gateway", "auth", "settings", "events"),
    "web": ("auth", "settings"),
    "gateway": ("auth", "settings", "events"),
    "auth": ("settings",),
    "settings": (),
    "keeper": (),
    "events": (),
    "housekeeping": (),
    "control": (),
    "metrics": (),
}
#: Beyond that: a part of the house, and single modules it may import.
MAY_ALSO_IMPORT: dict[str, tuple[str, ...]] = {
    "gotwist.applications.terminal": (
        "gotwist.keeper.wire",
        "gotwist.keeper.arena",
        "gotwist.keeper.forms",
    ),
}
#: Modules beside the rooms: every room may import them, they import no room.
COMMON = (
    "gotwist",
    "gotwist.__main__",
    "gotwist.clock",
    "gotwist.command",
    "gotwist.errors",
    "gotwist.paths",
)
#: The room that knows every other; nobody imports it.
ROOF = "gotwist.tap"
#: Packages that touch the outside, and the files (or folders of files) that may import them.
OUTSIDE = frozenset(
    {"OpenSSL", "autobahn", "cryptography", "gssapi", "pam", "pika", "prometheus_client"}
    | {"service_identity"}
    | {"treq", "twisted", "txaio", "txredisapi", "zope"}
)
OUTSIDE_FILES = frozenset(
    {"websocket", "http", "ssh", "unix", "pam", "redis", "amqp", "pty", "process", "tls"}
    | {"service", "kerberos", "oidc"}
)
OUTSIDE_ROOMS = ("web",)
#: Rooms that live on the standard library alone (and on COMMON).
STANDARD_LIBRARY_ONLY = ("keeper",)
#: The one function in which the reactor may be imported.
REACTOR_PLACE = ("gotwist.tap", "makeService")
MAX_LINES = 320

PLAIN = sys.stdlib_module_names | {"gotwist"}
HOUSE = Path(__file__).resolve().parent.parent / "gotwist"


class Import:
    """One imported name: the module it comes from, the name, the function around it."""

    def __init__(self, module: str, name: str | None, function: str) -> None:
        self.module = module
        self.name = name
        self.function = function

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


def read_house(root: Path) -> dict[str, str]:
    """Read the source of every module below a package's directory."""
    sources = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        sources[".".join(parts)] = path.read_text(encoding="utf-8")
    return sources


def module_name(file: str) -> str:
    return file.removesuffix(".__init__")


def imports_of(file: str, tree: ast.Module) -> Iterator[Import]:
    """Find all imports of a module, those in functions and under conditions included."""

    def visit(node: ast.AST, function: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, None, function)
            elif isinstance(child, ast.ImportFrom):
                module = child.module or ""
                if child.level:
                    base = file.split(".")[: -child.level]
                    module = ".".join([*base, module] if module else base)
                for alias in child.names:
                    yield Import(module, alias.name, function)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from visit(child, function or child.name)
            else:
                yield from visit(child, function)

    return visit(tree, "")


def is_roof(module: str) -> bool:
    return module == ROOF or module.startswith(f"{ROOF}.")


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else None


class House:
    """The modules of a package, by name, with what each imports."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = {module_name(file): source for file, source in sources.items()}
        self.trees = {module_name(file): ast.parse(text) for file, text in sources.items()}
        self.imports = {
            module_name(file): list(imports_of(file, self.trees[module_name(file)]))
            for file in sources
        }
        self.inner = {
            module: sorted({self.target(found) for found in imports if found.package == "gotwist"})
            for module, imports in self.imports.items()
        }

    def target(self, found: Import) -> str:
        """The module that an import reaches: a name may itself be a module."""
        deeper = f"{found.module}.{found.name}"
        return deeper if found.name and deeper in self.sources else found.module

    def violations(self) -> list[str]:
        found = [*self.circles()]
        for module in self.sources:
            found += self.wrong_places(module)
            found += self.wrong_directions(module)
            found += self.wrong_outsides(module)
            found += self.wrong_shape(module)
        return found

    def wrong_places(self, module: str) -> Iterator[str]:
        if room_of(module) is None and module not in COMMON and not is_roof(module):
            yield f"{module}: is in no room; give it one, or name it in this test"

    def wrong_directions(self, module: str) -> Iterator[str]:
        room = room_of(module)
        for target in self.inner[module]:
            if is_roof(target) and not is_roof(module):
                yield f"{module}: imports the roof, {target}"
            other = room_of(target)
            if other is None or other == room or is_roof(module):
                continue
            also = (
                target
                for part, targets in MAY_ALSO_IMPORT.items()
                if module == part or module.startswith(f"{part}.")
                for target in targets
            )
            if room is None or (other not in MAY_IMPORT[room] and target not in also):
                yield f"{module}: may not import {target}"
        if room == "applications":
            yield from self.neighbours(module)

    def neighbours(self, module: str) -> Iterator[str]:
        own = module.split(".")[:3]
        for target in self.inner[module]:
            theirs = target.split(".")[:3]
            if room_of(target) == "applications" and len(theirs) == 3 and theirs != own:
                yield f"{module}: imports another application, {target}"

    def wrong_outsides(self, module: str) -> Iterator[str]:
        room = room_of(module)
        named = not OUTSIDE_FILES.isdisjoint(module.split(".")[2:])
        may_touch = is_roof(module) or room in OUTSIDE_ROOMS or named
        if not may_touch:
            for package in sorted({found.package for found in self.imports[module]} & OUTSIDE):
                yield f"{module}: imports {package}, but is not named for what it touches"
        for found in self.imports[module]:
            if room in STANDARD_LIBRARY_ONLY and found.package not in PLAIN:
                yield f"{module}: imports {found.package}, not of the standard library"
            whole = f"{found.module}.{found.name}" if found.name else found.module
            if whole.endswith("internet.reactor") and (module, found.function) != REACTOR_PLACE:
                yield f"{module}: imports the reactor; take it as an argument"

    def wrong_shape(self, module: str) -> Iterator[str]:
        if not ast.get_docstring(self.trees[module]):
            yield f"{module}: has no docstring that tells its subject"
        lines = self.sources[module].count("\n")
        if lines > MAX_LINES:
            yield f"{module}: has {lines} lines, so two subjects; split it"

    def circles(self) -> Iterator[str]:
        """Find modules that can be reached from themselves."""
        for start in self.sources:
            seen: set[str] = set()
            waiting = [target for target in self.inner[start] if target != start]
            if start in self.inner[start]:
                yield f"{start}: imports itself"
            while waiting:
                module = waiting.pop()
                if module == start:
                    yield f"{start}: is in a circle of imports"
                    break
                if module not in seen:
                    seen.add(module)
                    waiting += self.inner.get(module, [])


class HouseTests(SynchronousTestCase):
    def test_rules(self) -> None:
        """Every module of gotwist keeps the rules of the house."""
        sources = read_house(HOUSE)
        self.assertIn("gotwist.settings.table", sources)
        self.assertEqual([], House(sources).violations())


class CheckerTests(SynchronousTestCase):
    """The checker really finds what it is there for."""

    def violations(self, **modules: str) -> list[str]:
        sources = {
            "gotwist." + name.replace("__", "."): f'"""A subject."""\n{source}\n'
            for name, source in modules.items()
        }
        return House(sources).violations()

    def refused(self, fragment: str, **modules: str) -> None:
        found = self.violations(**modules)
        self.assertTrue(any(fragment in line for line in found), found)

    def test_allowed_directions(self) -> None:
        """What the plan allows is allowed."""
        self.assertEqual(
            [],
            self.violations(
                errors="",
                settings__table="from gotwist.errors import Denied",
                auth__user="import gotwist.settings.table",
                gateway__client="from gotwist.auth import user\nimport gotwist.events.emitter",
                events__emitter="",
                gateway__websocket="import twisted, autobahn",
                applications__terminal__terminal="from gotwist.keeper.wire import x",
                applications__go__go="from gotwist.gateway.client import Client",
                keeper__wire="import struct, gotwist.errors",
                web__site="from twisted.web import server",
                tap="import gotwist.web.site\n"
                "def makeService():\n from twisted.internet import reactor",
            ),
        )

    def test_wrong_direction(self) -> None:
        """A lower room does not import a higher one, nor a neighbour's."""
        self.refused("may not import", settings__a="import gotwist.auth.b", auth__b="")
        self.refused("may not import", events__a="import gotwist.settings.b", settings__b="")
        self.refused("may not import", web__a="from gotwist.gateway import b", gateway__b="")
        self.refused("may not import", clock="import gotwist.auth.b", auth__b="")

    def test_keeper_seam(self) -> None:
        """Only the terminal application sees the keeper: its wire, its arena and its forms."""
        self.refused(
            "may not import", applications__go__a="import gotwist.keeper.wire", keeper__wire=""
        )
        self.refused(
            "may not import", applications__terminal__a="import gotwist.keeper.b", keeper__b=""
        )

    def test_neighbouring_applications(self) -> None:
        """Applications do not import each other."""
        self.refused(
            "another application",
            applications__go__a="import gotwist.applications.terminal.b",
            applications__terminal__b="",
        )

    def test_circles(self) -> None:
        """No circle of imports, relative, type-only and hidden ones included."""
        self.refused("circle", auth__a="from . import b", auth__b="import gotwist.auth.a")
        self.refused(
            "circle",
            auth__a="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import gotwist.auth.b",
            auth__b="def f():\n from gotwist.auth.c import x",
            auth__c="from gotwist.auth.a import y",
        )
        self.assertEqual([], self.violations(auth__a="from . import b", auth__b=""))

    def test_outside_packages(self) -> None:
        """Twisted and its like are imported by files named for what they touch."""
        self.refused("not named", gateway__client="from twisted.internet import defer")
        self.refused("not named", auth__tokens="def f():\n import txredisapi")
        self.refused("not named", auth__service_rules="import twisted")
        self.assertEqual([], self.violations(auth__redis="import txredisapi"))
        self.assertEqual([], self.violations(gateway__websocket__protocol="import autobahn"))

    def test_keeper_is_plain(self) -> None:
        """The keeper uses the standard library only, whatever its files are called."""
        self.refused("standard library", keeper__wire="import msgspec")
        self.refused("standard library", keeper__process="import twisted.internet.defer")

    def test_reactor(self) -> None:
        """The reactor is imported in tap.makeService and nowhere else."""
        self.refused("reactor", web__site="from twisted.internet import reactor")
        self.refused("reactor", web__site="import twisted.internet.reactor")
        self.refused("reactor", tap="from twisted.internet import reactor")
        self.refused("reactor", tap="def other():\n from twisted.internet import reactor")

    def test_roof(self) -> None:
        """Nobody imports the roof."""
        self.refused("roof", web__site="import gotwist.tap", tap="")

    def test_homeless_module(self) -> None:
        """A module outside of the plan is noticed."""
        self.refused("no room", helpers="")

    def test_docstring(self) -> None:
        """Every module tells its subject."""
        self.assertIn(
            "gotwist.auth.a: has no docstring that tells its subject",
            House({"gotwist.auth.a": "x = 1\n"}).violations(),
        )

    def test_length(self) -> None:
        """A module with too many lines has two subjects."""
        self.refused("split it", auth__a="\n" * MAX_LINES)
        self.assertEqual([], self.violations(auth__a="\n" * (MAX_LINES - 2)))

    def test_package_and_its_modules(self) -> None:
        """A package's own file is a module like any other."""
        found = House(
            {
                "gotwist.auth.__init__": '"""A subject."""\nfrom .a import x\n',
                "gotwist.auth.a": '"""A subject."""\nimport gotwist.auth\n',
            }
        ).violations()
        self.assertTrue(any("circle" in line for line in found), found)
