"""Which training images are held out together."""

from gdatasets.sources.splits import hold_out_groups


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
