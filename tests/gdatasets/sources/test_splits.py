"""Which training images are held out together."""

from gdatasets.sources.splits import hold_out_groups
from gdatasets.sources.traffic_signs import TRAFFIC_SIGNS


def held_out(tracks: dict[int, int]) -> set[str]:
    """The tracks that are held out of classes with so many tracks of two frames."""
    frames = [(label, f"{label}/{track:03d}") for label, count in tracks.items() for track in range(count)] * 2
    order, count = hold_out_groups("signs", [label for label, _ in frames], [track for _, track in frames])
    assert sorted(order) == list(range(len(frames)))
    learned, chosen = ({frames[number][1] for number in part} for part in (order[:-count], order[-count:]))
    assert not learned & chosen
    assert len(order) == 2 * len(learned | chosen)
    return chosen


def test_every_class_has_tracks_to_choose_by() -> None:
    """Before, tracks were counted over all classes, and a class of few could be left without."""
    assert held_out({0: 5, 1: 25, 2: 10, 3: 9}) == {"0/004", "1/009", "1/019", "2/009", "3/008"}


def test_a_class_of_one_track_is_learned_from() -> None:
    assert held_out({0: 1, 1: 2}) == {"1/001"}


def test_the_held_out_tracks_of_the_traffic_signs_are_as_many_as_their_source_says() -> None:
    """By the published numbers of images of each class, thirty a track; the archive itself was not read."""
    tracks = [
        5,
        50,
        50,
        32,
        44,
        42,
        10,
        32,
        32,
        33,
        45,
        30,
        47,
        48,
        18,
        14,
        10,
        25,
        27,
        5,
        8,
        8,
        9,
        12,
        6,
        34,
        14,
        6,
        12,
    ]
    tracks += [6, 10, 18, 6, 16, 10, 27, 9, 5, 46, 7, 8, 6, 6]
    assert len(tracks) == len(TRAFFIC_SIGNS.classes)
    assert 30 * sum(tracks) == TRAFFIC_SIGNS.samples["train"]
    assert 30 * len(held_out(dict(enumerate(tracks)))) == TRAFFIC_SIGNS.validation
