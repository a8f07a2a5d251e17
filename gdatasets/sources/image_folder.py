"""A user's own images: a folder or a ZIP archive of class folders, with or without `train` and `test` above them.

    images/train/cat/01.jpg          or          images/cat/01.jpg        (one split, `train`)
    images/test/dog/07.png

Samples are in the order of their paths (split, class, file name; by Unicode code points), labels in the order of the
class names. An archive is read in place, never unpacked to disk; every file's declared size is bounded first, and no
more than that is unpacked. Links may point to files inside the folder only. Images must have 8 bits a channel: what the
gray levels of 16-bit and floating-point images mean is not for this package to guess.
"""

import hashlib
import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gdatasets.errors import InvalidArgumentError, SourceError
from gdatasets.files import file_sha256, read_whole, reading
from gdatasets.groups.actions import Images
from gdatasets.sources.archived_images import MAX_FILE_BYTES, unpack_member
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.documentation import NOT_STATED, Documentation, read_documentation
from gdatasets.sources.sized import shrink, size_rule
from gdatasets.sources.source import Source, SourceArrays

_SPLITS = ("train", "validation", "test")
_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_MAX_PIXELS = 64 << 20
_GRAY_MODES = ("1", "L", "LA")
_MODES = (*_GRAY_MODES, "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV")  # of 8 bits a channel, or fewer


@dataclass(frozen=True)
class Provenance:
    """What a user states about their images; it goes into the card and the citation."""

    title: str = ""
    license: str = ""
    homepage: str = ""
    citation: str = ""
    documentation: Documentation = NOT_STATED

    def of_subset(self, name: str) -> "Provenance":
        """The same of images that are a part of a source: what is not stated is as there; raises UnknownNameError."""
        if not name:
            return self
        whole = SOURCES.find(name)
        part = f"A part of {whole.title}, chosen by the author of this dataset; what is said here is of the whole."
        return Provenance(
            self.title,
            self.license or whole.license,
            self.homepage or whole.homepage,
            self.citation or whole.citation,
            replace(whole.documentation, collection=f"{part} {whole.documentation.collection}"),
        )

    def documented(self, path: Path | None) -> "Provenance":
        """The same with the statements of a YAML file; raises InvalidArgumentError."""
        return self if path is None else replace(self, documentation=read_documentation(path, self.documentation))


@dataclass(frozen=True)
class Survey:
    """What images a folder has.

    Attributes:
        sizes: (width, height) of each kind.
        has_gray, has_color: whether some are.
    """

    sizes: frozenset[tuple[int, int]]
    has_gray: bool
    has_color: bool

    @property
    def smallest_side(self) -> int:
        """In pixels."""
        return min(min(size) for size in self.sizes)

    @property
    def square(self) -> int | None:
        """The side where all images are squares of one size; None where they are not."""
        ((width, height), *others) = self.sizes
        return width if width == height and not others else None


@dataclass(frozen=True)
class FolderSource:
    """Class folders of images as an `ImageSource`.

    Attributes:
        path: a folder or a .zip file.
        size: pixels along a side: the central square of each image is cut out and made smaller (Pillow, bilinear). By
            default images must all be squares of one size.
        color: RGB or gray; by default as the first image.
        provenance: what the user states about the images.
        enlarge: make smaller images larger too, which adds pixels but no detail; otherwise they are an error.
    """

    path: Path
    size: int | None = None
    color: bool | None = None
    provenance: Provenance = field(default_factory=Provenance)
    enlarge: bool = False

    @cached_property
    def about(self) -> Source:
        named = self.provenance
        return Source(
            name=self.path.name.removesuffix(".zip"),
            title=named.title or self.path.name,
            classes=tuple(sorted({member.label for members in self._members.values() for member in members})),
            samples={split: len(members) for split, members in self._members.items()},
            license=named.license,
            homepage=named.homepage,
            citation=named.citation,
            documentation=named.documentation,
            size_rule="" if self.size is None else size_rule(self.size),
        )

    def class_sizes(self, split: str) -> dict[str, int]:
        """How many images of each class a split has."""
        found = Counter(member.label for member in self._members.get(split, []))
        return {label: found[label] for label in self.about.classes}

    def survey(self) -> "Survey":
        """Sizes and colors of all images; only headers are decoded.

        Raises:
            SourceError: an image cannot be read.
        """
        sizes, has_gray, has_color = set(), False, False
        for members in self._members.values():
            for member in members:
                with self._open(member) as image:
                    sizes.add(image.size)
                    has_gray |= image.mode in _GRAY_MODES
                    has_color |= image.mode not in _GRAY_MODES
        return Survey(frozenset(sizes), has_gray, has_color)

    @cached_property
    def image_shape(self) -> tuple[int, ...]:
        first = next(iter(self._members.values()))[0]
        with self._open(first) as image:
            size = image.height if self.size is None else self.size
            color = self.color if self.color is not None else image.mode not in _GRAY_MODES
            if self.size is None and image.width != image.height:
                raise self._needs_size(first, image)
        if size < 2 or size % 2 or size > 4096:
            raise InvalidArgumentError(f"The images must have an even size from 2 to 4096, got {size}; give --size N.")
        return (size, size, 3) if color else (size, size)

    def digest(self) -> str:
        whole = hashlib.sha256(f"gdatasets-folder-1 {self.image_shape}\n".encode())
        if self._archive is not None:
            whole.update(file_sha256(self.path).encode())
            return whole.hexdigest()
        for split, members in self._members.items():
            for member in members:
                whole.update(
                    f"{split}\0{member.label}\0{member.path}\0{file_sha256(self.path / member.path)}\n".encode()
                )
        return whole.hexdigest()

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        members = self._members[split][start:stop]
        images = np.empty((len(members), *self.image_shape), dtype=np.uint8)
        for number, member in enumerate(members):
            images[number] = self._pixels(member)
        numbers = {label: number for number, label in enumerate(self.about.classes)}
        return SourceArrays(images, np.array([numbers[member.label] for member in members], dtype=np.int64))

    @cached_property
    def _archive(self) -> zipfile.ZipFile | None:
        if self.path.is_dir():
            return None
        try:
            with reading(self.path):  # no pipe or device, on which zipfile would wait
                return zipfile.ZipFile(self.path)
        except FileNotFoundError as error:
            raise SourceError(f"{self.path} does not exist; give a folder or a .zip file of class folders.") from error
        except (OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"{self.path} is neither a folder nor a readable .zip file ({error}).") from error

    @cached_property
    def _members(self) -> dict[str, list["_Member"]]:
        if self._archive is not None:
            names = [info.filename for info in self._archive.infolist() if not info.is_dir()]
            if len(names) > len(set(names)):
                twice = next(name for number, name in enumerate(names) if name in names[:number])
                raise SourceError(f"{self.path} holds {twice!r} twice; make the archive again, with one of them.")
            paths: Iterable[str] = names
        else:
            paths = (
                os.path.relpath(os.path.join(folder, name), self.path)  # noqa: PTH118 - a million Paths are slow
                for folder, _, names in os.walk(self.path)
                for name in names
            )
        files = [path.replace(os.sep, "/") for path in paths]
        if any(path.endswith("croissant.json") for path in files):
            raise SourceError(
                f"{self.path} holds what `gdatasets build` made, not class folders; unpack it and name its folder to "
                "`aenbench run --dataset`, or build from the original images."
            )
        members = _arrange(files)
        if not members:
            raise SourceError(
                f"{self.path} holds no images in class folders; expected train/CLASS/image.png or CLASS/image.png."
            )
        return members

    def _open(self, member: "_Member") -> Image.Image:
        """A lazily decoded image whose size is within bounds."""
        where = f"{self.path}: {member.path}"
        try:
            if self._archive is not None:
                content = unpack_member(self._archive, member.path, where)
            else:
                content = self._read_file(member.path, where)
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
        except SourceError:
            raise
        except Image.DecompressionBombError as error:
            raise SourceError(f"{where} is too large; at most {_MAX_PIXELS:,} pixels are read.") from error
        except UnidentifiedImageError as error:
            raise SourceError(f"{where} is damaged, or no image of a known format; repair or remove it.") from error
        except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise SourceError(f"{where} cannot be read as an image ({error}); repair or remove it.") from error
        if image.width * image.height > _MAX_PIXELS:
            raise SourceError(f"{where} is {image.width}x{image.height}, at most {_MAX_PIXELS:,} pixels are read.")
        if image.mode not in _MODES:
            raise SourceError(f"{where} has more than 8 bits a channel (mode {image.mode}); convert it first.")
        return image

    def _read_file(self, name: str, where: str) -> bytes:
        """A file of the folder, or one inside it that a link points to; never a pipe or a device."""
        path = self.path / name
        if path.is_symlink() and not path.resolve().is_relative_to(self.path.resolve()):
            raise SourceError(f"{where} is a link out of the folder; copy the image there, or remove the link.")
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise SourceError(f"{where} is not a plain file; remove it.")
        if about.st_size > MAX_FILE_BYTES:
            raise SourceError(f"{where} has {about.st_size:,} bytes, at most {MAX_FILE_BYTES:,} are read.")
        return read_whole(path, MAX_FILE_BYTES)

    def _pixels(self, member: "_Member") -> Images:
        shape = self.image_shape
        with self._open(member) as opened:
            if self.color is None and len(shape) == 2 and opened.mode not in _GRAY_MODES:
                raise InvalidArgumentError(
                    f"{self.path}: {member.path} is in color, the first image is gray; state --color or --gray."
                )
            try:
                image = ImageOps.exif_transpose(opened).convert("RGB" if len(shape) == 3 else "L")
            except (OSError, SyntaxError, ValueError) as error:
                raise SourceError(f"{self.path}: {member.path} is damaged ({error}); repair or remove it.") from error
        square = (shape[0], shape[0])
        if image.size != square:
            if self.size is None:
                raise self._needs_size(member, image)
            image = shrink(image, self.size, f"{self.path}: {member.path}", self.enlarge)
        return np.asarray(image)

    def _needs_size(self, member: "_Member", image: Image.Image) -> InvalidArgumentError:
        return InvalidArgumentError(
            f"{self.path}: {member.path} is {image.width}x{image.height}; images of other than one square size need "
            "--size N (the central square, resized)."
        )


@dataclass(frozen=True, slots=True)
class _Member:
    path: str
    label: str


def _arrange(paths: Iterable[str]) -> dict[str, list[_Member]]:
    """Image files by split, each split in order; a folder around everything is looked through."""
    files = sorted(path for path in paths if _is_image(PurePosixPath(path)))
    for path in files:
        if path.startswith("/") or ".." in path.split("/") or not path.isprintable():
            raise SourceError(f"The path {path!r} is not plainly inside the source; rename or remove it.")
    depth = 0
    while files and all(path.count("/") > depth + 1 for path in files):
        tops = {path.split("/")[depth] for path in files}
        if len(tops) > 1 or tops <= set(_SPLITS):
            break
        depth += 1
    found: dict[str, list[_Member]] = {split: [] for split in _SPLITS}
    for path in files:
        parts = path.split("/")[depth:]
        split, rest = (parts[0], parts[1:]) if parts[0] in _SPLITS else ("train", parts)
        if len(rest) < 2:
            raise SourceError(f"{path} lies in no class folder; expected train/CLASS/image.png or CLASS/image.png.")
        found[split].append(_Member(path, rest[0]))
    return {split: members for split, members in found.items() if members}


def _is_image(path: PurePosixPath) -> bool:
    hidden = any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in _SUFFIXES and not hidden
