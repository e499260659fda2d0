"""Large JSON files read item by item, so that memory does not grow with the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from benchsuite.convert.archives import WrongSource, unpacked

T = TypeVar("T")

_CHUNK = 1 << 20
_LONGEST_ITEM = 64 << 20
_REST_OF_NUMBER = len("e+") + 1
"""Beyond what reads as a number: with ``e+`` or a point the rest of it may be still to come."""
_BLANK = " \t\r\n"


def each_file(source: Path, pattern: str, read: Callable[[Path], T]) -> tuple[dict[str, T], list[str]]:
    """What ``read`` makes of every JSON file of a source, by the file's stem, and a line for each that it refused.

    Args:
        source: one file, a folder searched for ``pattern``, or a zip archive.
        pattern: the names looked for in a folder.
        read: raises ``WrongSource`` where a file is not what it should be; the others go on.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    found: dict[str, T] = {}
    problems: list[str] = []
    try:
        with unpacked(source, frozenset({".json"})) as folder:
            files = [folder] if folder.is_file() else sorted(folder.rglob(pattern))
            if not files:
                raise FileNotFoundError(f"{source}: wanted {pattern}, found none")
            for file in files:
                try:
                    found[file.stem] = read(file)
                except WrongSource as error:
                    problems.append(str(error))
    except WrongSource as error:
        return {}, [str(error)]
    return found, problems


def json_items(path: Path) -> Iterator[tuple[str, Any]]:
    """The items of every array that stands at the top of a JSON file, in the file's order.

    Yields:
        The array's key and one item. The key is empty where the file itself is an array; values at the top that are
        no arrays come whole, under their own key.

    Raises:
        WrongSource: it is cut off or is not JSON; says at which character.
        OSError: it cannot be read.
    """
    with path.open(encoding="utf-8") as file:
        text = _Window(path, file)
        opening = text.take("[{")
        if opening == "[":
            yield from (("", item) for item in text.array())
        elif text.peek() == "}":
            text.take("}")
        else:
            more = True
            while more:
                if text.peek() != '"':
                    text.take('"')
                key = text.value()
                text.take(":")
                if text.peek() == "[":
                    text.take("[")
                    yield from ((key, item) for item in text.array())
                else:
                    yield key, text.value()
                more = text.take(",}") == ","
        if text.peek():
            raise text.wrong("the end of the file", repr(text.peek()))


class _Window:
    """The part of a text that is being read."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path, self._file = path, file
        self._text, self._at, self._before, self._ended = "", 0, 0, False
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is not blank; nothing at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, allowed: str) -> str:
        """Step over the next character, which must be one of those allowed."""
        found = self.peek()
        if not found or found not in allowed:
            raise self.wrong(" or ".join(allowed), repr(found) if found else "the end of the file")
        self._at += 1
        return found

    def value(self) -> Any:
        """Step over the next value."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at < _LONGEST_ITEM and self._more():
                    continue
                raise self.wrong("JSON", error.msg) from None
            except (RecursionError, ValueError) as error:  # nested too deep; a number of too many digits
                raise self.wrong("JSON", str(error)) from None
            if len(self._text) - end < _REST_OF_NUMBER and self._more():
                continue
            self._at = end
            return value

    def array(self) -> Iterator[Any]:
        """Step over the rest of an array, item by item."""
        if self.peek() == "]":
            self.take("]")
            return
        more = True
        while more:
            yield self.value()
            more = self.take(",]") == ","

    def wrong(self, wanted: str, found: str) -> WrongSource:
        return WrongSource(self._path, f"{wanted} at character {self._before + self._at + 1}", found)

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            chunk = self._file.read(_CHUNK)
        except UnicodeDecodeError as error:
            raise WrongSource(self._path, "UTF-8 text", str(error)) from None
        self._ended = not chunk
        if chunk:
            self._before += self._at
            self._text, self._at = self._text[self._at :] + chunk, 0
        return bool(chunk)


def short(value: Any) -> str:
    """A value for an error message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
