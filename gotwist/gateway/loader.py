"""The loader: finds the applications that are installed, and survives those that are broken."""

from __future__ import annotations

import importlib.util
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

from gotwist.gateway.application import Application

ENTRY_POINTS = "gotwist.applications"

Skipped = Callable[[str, Exception], object]
"""Told the name of what could not be loaded, and why."""


def load_applications(
    built_in: Iterable[type[Application]],
    *,
    directory: Path | None = None,
    enabled: Iterable[str] | None = None,
    skipped: Skipped,
) -> tuple[type[Application], ...]:
    """All applications, the built-in ones first; of two with one name the first counts.

    Reads the disk and runs foreign code: for the start of the daemon only.

    :param directory: where ``<application>/*.py`` with a module-level list ``apps`` may lie.
    :param enabled: names of those to keep, without regard to case; None keeps all, and the
        core application ``go`` is always kept.
    """
    wanted = None if enabled is None else {name.lower() for name in enabled} | {"go"}
    found: dict[str, type[Application]] = {}
    for source, make in _sources(built_in, directory, skipped):
        try:
            for candidate in make():
                application = check_application(candidate)
                name = application.name
                if wanted is not None and name.lower() not in wanted:
                    continue
                if name.lower() in found:
                    raise ValueError(f"there is an application {name!r} already")
                found[name.lower()] = application
        except Exception as failure:
            skipped(source, failure)
    return tuple(found.values())


def check_application(application: object) -> type[Application]:
    """Give ``application`` back when it is a class that can be served.

    :raises TypeError: when it is something else, or has no name.
    """
    if not (isinstance(application, type) and issubclass(application, Application)):
        raise TypeError(f"{application!r} is not an application")
    if not isinstance(getattr(application, "name", None), str) or not application.name:
        raise TypeError(f"{application!r} has no name")
    return application


def _sources(
    built_in: Iterable[type[Application]], directory: Path | None, skipped: Skipped
) -> Iterator[tuple[str, Callable[[], Iterable[object]]]]:
    for application in built_in:
        yield application.__name__, lambda application=application: (application,)  # type: ignore[misc]  # bound now
    for point in entry_points(group=ENTRY_POINTS):
        yield f"entry point {point.name}", lambda point=point: (point.load(),)  # type: ignore[misc]  # bound now
    if directory is None:
        return
    try:
        files = _files(directory)
    except Exception as failure:
        skipped(str(directory), failure)
        return
    for path in files:
        yield str(path), lambda path=path: _load_file(path)  # type: ignore[misc]  # bound now


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    _check_owner(directory)
    return sorted(
        path
        for folder in sorted(directory.iterdir())
        if folder.is_dir() and not folder.name.startswith((".", "_"))
        for path in folder.glob("*.py")
        if not path.name.startswith((".", "_"))
    )


def _load_file(path: Path) -> Iterable[object]:
    _check_owner(path.parent)
    _check_owner(path)
    name = f"gotwist_applications_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    applications = getattr(module, "apps", ())
    if not isinstance(applications, list | tuple):
        raise TypeError("apps is not a list")
    return tuple(applications)


def _check_owner(path: Path) -> None:
    """Refuse what others could have written: it would run as the daemon."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise PermissionError(f"{path} is a link")
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} can be written by others")
