"""The German traffic sign recognition benchmark: PPM files in archives, frames of tracks; made 32x32 here."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.errors import SourceError
from gdatasets.sources.archived_images import ArchivedImages, open_archive, unpack_member
from gdatasets.sources.documentation import Documentation
from gdatasets.sources.source import Edition, MovedDataset, Pieces, PublishedFile, Source
from gdatasets.sources.splits import hold_out_groups

_SIZE = 32
_HELD_OUT = 2_520
_CLASSES = (
    "speed limit 20",
    "speed limit 30",
    "speed limit 50",
    "speed limit 60",
    "speed limit 70",
    "speed limit 80",
    "end of speed limit 80",
    "speed limit 100",
    "speed limit 120",
    "no passing",
    "no passing for trucks",
    "right of way at the next crossing",
    "priority road",
    "yield",
    "stop",
    "no vehicles",
    "no trucks",
    "no entry",
    "danger",
    "curve to the left",
    "curve to the right",
    "double curve",
    "bumpy road",
    "slippery road",
    "road narrows on the right",
    "road work",
    "traffic lights",
    "pedestrians",
    "children",
    "bicycles",
    "snow or ice",
    "wild animals",
    "end of all limits",
    "turn right ahead",
    "turn left ahead",
    "straight ahead only",
    "straight ahead or right",
    "straight ahead or left",
    "keep right",
    "keep left",
    "roundabout",
    "end of no passing",
    "end of no passing for trucks",
)
_BASE = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"


def _archive(name: str, md5: str) -> PublishedFile:
    return PublishedFile(f"gtsrb/{name}", md5=md5, urls=(f"{_BASE}{name}",))


_TRAIN = (_archive("GTSRB-Training_fixed.zip", "513f3c79a4c5141765e10e952eaa2478"),)
_TEST = (
    _archive("GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185"),
    _archive("GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5"),
)


@dataclass(frozen=True)
class TrafficSignArchives:
    """`GTSRB/Training/CLASS/TRACK_FRAME.ppm`, and `GTSRB/Final_Test/Images/*.ppm` with `GT-final_test.csv`.

    A track is one passing of one sign, about 30 frames. Every tenth track of a class is held out, at least one, so that
    choices are made by passings that are not learned from.

    Attributes:
        held_out: frames in these tracks.
    """

    held_out: int

    def open(self, root: Path, files: tuple[PublishedFile, ...], split: str, count: int, /) -> Pieces:
        archive = open_archive(root / files[0].path)
        if split == "test":
            answers = open_archive(root / files[1].path)
            classes = _final_classes(answers, count, str(root / files[1].path))
            members = sorted(name for name in archive.namelist() if name.endswith(".ppm"))
            if [name.rsplit("/", 1)[-1] for name in members] != sorted(classes):
                raise SourceError(f"{root / files[0].path} and {files[1].path} name other images; fetch both again.")
            numbers = [classes[name.rsplit("/", 1)[-1]] for name in members]
            return ArchivedImages(archive, members, np.array(numbers, dtype=np.int64), _SIZE, fit=True)
        frames = []
        for name in archive.namelist():
            if found := re.fullmatch(r"(?:.*/)?([0-9]{5})/([0-9]{5})_[0-9]{5}\.ppm", name):
                frames.append((f"{found[1]}/{found[2]}", name, int(found[1])))
        frames.sort()
        order, held_out = hold_out_groups("gtsrb", [label for *_, label in frames], [track for track, *_ in frames])
        if len(frames) == count and held_out != self.held_out:
            where = root / files[0].path
            raise SourceError(f"{where} has {held_out:,} frames in the tracks held out, expected {self.held_out:,}.")
        labels = np.array([label for _, _, label in frames], dtype=np.int64)[order]
        return ArchivedImages(archive, [frames[number][1] for number in order], labels, _SIZE, fit=True)


def _final_classes(archive: zipfile.ZipFile, count: int, where: str) -> dict[str, int]:
    """The class of each test image, by file name."""
    names = [name for name in archive.namelist() if name.rsplit("/", 1)[-1] == "GT-final_test.csv"]
    if len(names) != 1:
        raise SourceError(f"{where} lacks GT-final_test.csv; delete it and fetch it again.")
    try:
        text = unpack_member(archive, names[0], where).decode("ascii")
        rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
        classes = {row["Filename"]: int(row["ClassId"]) for row in rows}
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise SourceError(f"{where}: GT-final_test.csv is not the table of classes ({error}).") from error
    if len(classes) != count:
        raise SourceError(f"{where} has the classes of {len(classes):,} images, expected {count:,}.")
    return classes


TRAFFIC_SIGNS = Source(
    name="gtsrb",
    title="German traffic signs (GTSRB)",
    classes=_CLASSES,
    samples={"train": 26_640, "test": 12_630},
    license="none stated",
    homepage="https://benchmark.ini.rub.de/gtsrb_dataset.html",
    citation="Stallkamp, J., Schlipsing, M., Salmen, J., Igel, C.: Man vs. computer: benchmarking machine learning "
    "algorithms for traffic sign recognition. Neural Networks 32, 323-332, 2012.",
    image_shape=(_SIZE, _SIZE, 3),
    validation=_HELD_OUT,
    held_out="tracks of a sign",
    split_rule="as published (the corrected training set of the competition); every tenth track of a class, at "
    "least one, ends `train`, as its validation images, both parts mixed",
    editions=(Edition({"train": _TRAIN, "test": _TEST}, TrafficSignArchives(_HELD_OUT)),),
    documentation=Documentation(
        collection="Traffic signs cut out of videos from a car on German roads in 2010, about 30 frames of each "
        "passing; "
        "published 2011.",
        annotation="By hand and tracking, by the authors; one class a passing.",
        biases="German signs, roads and weather of one year; speed limits are many times as frequent as rare signs.",
        limitations="Frames of one passing are nearly the same image. Signs of 15 to 250 pixels are made 32x32, "
        "small ones "
        "larger.",
        symmetry="Turns and mirrors change classes: a mirror swaps left and right, keep left and keep right, and "
        "others.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for driving.",
        personal="Signs without people or number plates.",
    ),
    moved=MovedDataset("g-gtsrb", "G-GTSRB"),
)
