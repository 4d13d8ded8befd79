"""A part of the state that is replaced: made ready beside its place, and put there in one moment."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from cloudchat.backup.atomic_file import sync_folder

_NEW = ".restoring"


@dataclass(frozen=True, slots=True)
class StagedPath:
    """A file or folder of the state that a restore replaces, with those that belong to it."""

    path: Path
    companions: tuple[str, ...] = ()

    @property
    def new(self) -> Path:
        """Where it is made ready."""
        return self.path.with_name(self.path.name + _NEW)

    @property
    def taken(self) -> bool:
        """Whether something is there."""
        return self.path.is_file() or (self.path.is_dir() and any(self.path.iterdir()))

    def clear_new(self) -> None:
        """Remove what a restore that was interrupted had made ready."""
        for suffix in ("", ".lock", *self.companions):
            path = self.new.with_name(self.new.name + suffix)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def aside(self, stamp: str) -> Path:
        """Where what is there now will be."""
        return self.path.with_name(f"{self.path.name}.before-{stamp}")

    def switch(self, stamp: str) -> None:
        """Move what is there aside, and there what was made ready."""
        if self.path.is_dir() and not self.taken:
            self.path.rmdir()
        for suffix in ("", *self.companions):
            old = self.path.with_name(self.path.name + suffix)
            if old.exists():
                old.rename(self.path.with_name(self.aside(stamp).name + suffix))
        if self.new.exists():
            self.new.rename(self.path)
        self.clear_new()
        sync_folder(self.path.parent)
