"""Images as folders: a build context, unpacked under its digest."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shlex
import tarfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST = "sha256:"


class BuildFailed(Exception):
    """The context cannot be built; the message is the last line of the log."""


@dataclass(frozen=True, slots=True)
class Image:
    """One name under which a folder may be pulled."""

    repository: str
    tag: str
    digest: str
    folder: Path


class Images:
    """Those that were built, by reference."""

    def __init__(self, folder: Path, server: str) -> None:
        self._folder, self.server = folder, server
        self._images: list[Image] = []
        self._lock = threading.Lock()

    def build(self, context: bytes, dockerfile: str, names: list[str], log: list[str]) -> list[Image]:
        """Check and unpack a tar.gz and give it its names.

        Raises: BuildFailed if a real build would fail for what is missing.
        """
        digest = DIGEST + hashlib.sha256(context).hexdigest()
        # Without the algorithm: a colon would end the folder's entry in PYTHONPATH.
        folder = self._folder / digest.removeprefix(DIGEST)
        with self._lock:
            if not folder.exists():
                unpack(context, folder)
            check(folder, dockerfile, log)
            log.append("Successfully built " + digest)
            images = [Image(*split_name(name), digest, folder) for name in names]
            self._images.extend(images)
        log.extend(f"Successfully tagged {self.server}/{image.repository}:{image.tag}" for image in images)
        return images

    def of(self, repository: str) -> dict[str, list[str]]:
        """The tags of each digest of a repository; a tag names what was built under it last."""
        with self._lock:
            latest = {image.tag: image.digest for image in self._images if image.repository == repository}
            found: dict[str, list[str]] = {
                image.digest: [] for image in self._images if image.repository == repository
            }
        for tag, digest in latest.items():
            found[digest].append(tag)
        return found

    def tag(self, repository: str, tag: str, another: str) -> None:
        """Give an image one more name, as a person may."""
        with self._lock:
            image = next(each for each in self._images if (each.repository, each.tag) == (repository, tag))
            self._images.append(Image(repository, another, image.digest, image.folder))

    def remove(self, repository: str, digest: str) -> bool:
        """Remove a manifest with its tags. Returns: whether there was one."""
        with self._lock:
            before = len(self._images)
            self._images = [each for each in self._images if (each.repository, each.digest) != (repository, digest)]
            return len(self._images) < before

    def folder_of(self, reference: str) -> Path | None:
        """Where an image lies; None if it was never pushed."""
        server, _, rest = reference.partition("/")
        repository, _, digest = rest.partition("@")
        name, tag = split_name(repository)
        with self._lock:
            for image in reversed(self._images):
                same = image.digest == digest if digest else image.tag == tag
                if server == self.server and image.repository == name and same:
                    return image.folder
        return None


def split_name(name: str) -> tuple[str, str]:
    """Repository and tag."""
    repository, _, tag = name.partition(":")
    return repository, tag or "latest"


def unpack(context: bytes, folder: Path) -> None:
    """Unpack a tar.gz, and nothing of it outside the folder."""
    try:
        with tarfile.open(fileobj=io.BytesIO(context), mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as exc:
        raise BuildFailed(f"failed to unpack the source: {exc}") from exc


def check(folder: Path, dockerfile: str, log: list[str]) -> None:
    """Follow the Dockerfile as far as that needs no container: every source of a COPY must be there."""
    if not (folder / dockerfile).is_file():
        raise BuildFailed(f"unable to prepare context: {dockerfile} does not exist")
    steps = list(instructions((folder / dockerfile).read_text()))
    for number, (word, rest) in enumerate(steps, 1):
        log.append(f"Step {number}/{len(steps)} : {word} {rest}")
        for source in copied(word, rest):
            if not any(folder.glob(source.strip("/"))):
                raise BuildFailed(f"COPY failed: file not found in build context: stat {source}: does not exist")


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction's word and the rest of it, continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), " ".join(rest.split())


def copied(word: str, rest: str) -> list[str]:
    """What an instruction takes from the context."""
    if word not in ("COPY", "ADD"):
        return []
    words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    if any(part.startswith("--from=") for part in words):
        return []
    sources = [part for part in words if not part.startswith("--")][:-1]
    return [source for source in sources if source.strip("./")]
