"""Files on disk, under random keys. Local and quick, but blocking: run it in a thread beside a loop."""

import os
import re
import secrets
from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{32}\.(pdf|jpg|png)")


class FileStorage:
    """Keeps files below one folder, readable by its own user alone. A file never changes once it is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, content: bytes, kind: str) -> str:
        """Keep a file of a ``kind`` (``pdf``, ``jpg``, ``png``); gives its key, which says nothing of what it holds.

        On return it is on the disk whole; a machine that stops before leaves nothing under the key. Raises OSError
        where it cannot be written, ValueError for another kind.
        """
        key = f"{secrets.token_hex(16)}.{kind}"
        self._write(self._path(key), content)
        return key

    def put_back(self, key: str, content: bytes) -> None:
        """Keep a file that was lost under the key it had; one that is there stays as it is. Raises as `save` does."""
        path = self._path(key)
        if not path.exists():
            self._write(path, content)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{secrets.token_hex(8)}.part")  # its own: two may put one file back at once
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            beside.rename(path)
            _flush_folder(path.parent)
        except OSError:
            beside.unlink(missing_ok=True)
            raise

    def read(self, key: str) -> bytes:
        """A file's content. Raises KeyError where there is none, ValueError for what is no key."""
        path = self._path(key)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise KeyError(key) from error

    def delete(self, key: str) -> None:
        """Take a file away; one that is not there is as good. Raises ValueError for what is no key."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        # Only a key of this form becomes a path: nothing that was typed can lead out of the folder.
        if not _KEY.fullmatch(key):
            raise ValueError("not a key of the storage")
        return self._folder / key[:2] / key


def _flush_folder(folder: Path) -> None:
    """Make the new name outlast a power cut, too: the file's own flush does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
