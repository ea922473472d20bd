"""Files on a real disk: whole or not at all, under keys that lead nowhere else."""

import stat
from pathlib import Path

import pytest

from integrations.storage.client import FileStorage

CONTENT = b"%PDF-1.7 \x00\xff"


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path / "files")


def test_a_file_comes_back_as_it_was_under_a_key_that_says_nothing(storage: FileStorage) -> None:
    first, second = storage.save(CONTENT, "pdf"), storage.save(CONTENT, "pdf")
    assert first != second
    assert storage.read(first) == storage.read(second) == CONTENT
    assert storage.save(b"x", "jpg").endswith(".jpg")


def test_nobody_else_on_the_machine_can_read_it(storage: FileStorage, tmp_path: Path) -> None:
    key = storage.save(CONTENT, "pdf")
    [path] = tmp_path.rglob(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_deleted_file_is_gone_and_deleting_it_again_is_as_good(storage: FileStorage, tmp_path: Path) -> None:
    key = storage.save(CONTENT, "png")
    storage.delete(key)
    storage.delete(key)
    with pytest.raises(KeyError):
        storage.read(key)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_that_was_lost_is_put_back_under_its_key_and_one_that_is_there_stays(
    storage: FileStorage, tmp_path: Path
) -> None:
    key = storage.save(CONTENT, "pdf")
    storage.put_back(key, b"another")
    assert storage.read(key) == CONTENT
    storage.delete(key)
    storage.put_back(key, CONTENT)
    assert storage.read(key) == CONTENT
    [path] = tmp_path.rglob(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "key", ["", "../secret", "/etc/passwd", "a.pdf", f"{'a' * 32}.exe", f"{'a' * 32}.pdf\n", f"../{'a' * 32}.pdf"]
)
def test_what_is_no_key_never_becomes_a_path(storage: FileStorage, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        storage.read(key)
    with pytest.raises(ValueError, match="key"):
        storage.delete(key)
    with pytest.raises(ValueError, match="key"):
        storage.put_back(key, CONTENT)


@pytest.mark.parametrize("kind", ["exe", "", "pdf/../x", "PDF"])
def test_only_known_kinds_are_kept(storage: FileStorage, kind: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key"):
        storage.save(CONTENT, kind)
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="files"):
        FileStorage(tmp_path / "files").save(CONTENT, "pdf")


def test_a_disk_that_fills_up_leaves_no_half_of_a_file(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        storage.save(CONTENT, "pdf")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
