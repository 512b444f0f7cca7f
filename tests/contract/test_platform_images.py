"""What every platform promises about the images that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.adapters.local.process import ProcessPlatform
from tests.contract.test_platform import context_of

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.ports import Platform


def test_an_image_is_listed_until_it_is_removed(platform: Platform):
    """Of this model alone; removing it again is nothing, and it can be built once more."""
    for version in ("3", "4"):
        platform.build("m", version, context_of(version))
    platform.build("n", "3", context_of("3"))
    first, second = sorted(platform.images("m"), key=lambda image: image.version)
    for _ in range(2):
        platform.remove_image(first)
    left = platform.images("m")
    platform.remove_image(second)

    assert (first.version, second.version) == ("3", "4")
    assert min(first.size, second.size) > 0
    assert left == [second]
    assert platform.images("m") == []
    assert [image.version for image in platform.images("n")] == ["3"]


def test_a_build_that_was_never_finished_is_listed_without_a_version(tmp_path: Path):
    """Its process was killed; folders of other programs are not listed."""
    platform = ProcessPlatform(tmp_path / "platform")
    images = tmp_path / "platform" / "images"
    for name in (".m-v3-0a1b2c3d", "m-v3.backup", "notes"):
        (images / name).mkdir(parents=True)
    (unfinished,) = platform.images("m")
    platform.remove_image(unfinished)

    assert (unfinished.name, unfinished.version) == (".m-v3-0a1b2c3d", "")
    assert sorted(path.name for path in images.iterdir()) == ["m-v3.backup", "notes"]


def test_an_image_that_was_removed_is_built_again(platform: Platform):
    """Also on the same day, on which a registry's list of builds still has it."""
    built = platform.build("m", "5", context_of("5"))
    for image in platform.images("m"):
        platform.remove_image(image)
    again = platform.build("m", "5", context_of("5"))

    assert again.reference == built.reference
    assert [image.version for image in platform.images("m")] == ["5"]
