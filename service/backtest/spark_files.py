"""Where Spark reads and writes: any place that its Hadoop file systems know (hdfs, s3a)."""

# ruff: noqa: FBT003  the methods of Java take no names
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.backtest.export import LONGEST_MANIFEST, SUFFIXES, ExportNotUsable, check_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

REMOTE = "://"
"""Marks a place that is a URI and no path of this machine."""


def find_remote(spark: Any, places: Iterable[str]) -> tuple[str, ...]:  # noqa: ANN401  no stubs
    """Return the NDJSON files in the places, searched downwards, and those named themselves.

    Raises ExportNotUsable when there is none, or when a manifest says that the export is not whole.
    """
    found: set[str] = set()
    for place in places:
        files = dict(_files(spark, place))
        if list(files) == [place]:
            found.add(place)
            continue
        names = {name.rpartition("/")[2] for name in files}
        for name, size in sorted(files.items()):
            if name.lower().endswith(SUFFIXES):
                found.add(name)
            elif name.endswith(".json") and size <= LONGEST_MANIFEST:
                ((_, text),) = spark.sparkContext.wholeTextFiles(name).collect()
                check_manifest(name.rpartition("/")[2], text, names)
    if not found:
        raise ExportNotUsable("The folder holds no .ndjson file, packed or not.")
    return tuple(sorted(found))


def _files(spark: Any, place: str) -> Iterator[tuple[str, int]]:  # noqa: ANN401  no stubs
    system, path = _system(spark, place)
    if not system.exists(path):
        raise ExportNotUsable("A file or folder that was named does not exist.")
    found = system.listFiles(path, True)
    while found.hasNext():
        each = found.next()
        yield each.getPath().toString(), each.getLen()


def is_there(spark: Any, place: str) -> bool:  # noqa: ANN401  no stubs
    """Whether a file or folder exists."""
    system, path = _system(spark, place)
    return bool(system.exists(path))


def put_report(spark: Any, folder: Path, place: str) -> None:  # noqa: ANN401  no stubs
    """Copy a report into another file system: all of it, or what was there stays as it was."""
    unfinished = f"{place.rstrip('/')}.unfinished"
    system, beside = _system(spark, unfinished)
    system.delete(beside, True)
    system.mkdirs(beside)
    try:
        for each in sorted(folder.iterdir()):
            source = _path(spark, each.resolve().as_uri())
            system.copyFromLocalFile(False, True, source, _path(spark, f"{unfinished}/{each.name}"))
        system.mkdirs(_path(spark, place))
        for each in sorted(folder.iterdir()):
            target = _path(spark, f"{place.rstrip('/')}/{each.name}")
            system.delete(target, True)
            system.rename(_path(spark, f"{unfinished}/{each.name}"), target)
    finally:
        system.delete(beside, True)


def _system(spark: Any, place: str) -> tuple[Any, Any]:  # noqa: ANN401  no stubs
    path = _path(spark, place)
    return path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()), path


def _path(spark: Any, place: str) -> Any:  # noqa: ANN401  no stubs
    return spark.sparkContext._jvm.org.apache.hadoop.fs.Path(place)
