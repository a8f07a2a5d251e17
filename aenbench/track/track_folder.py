"""Where the track lies in a leaderboards folder; nothing heavy is imported to look for it.

leaderboards/discovery/
├── README.md      the tables, generated
└── <name>/        a submission, with a `submission.json` (`aenbench.track.submission`)
"""

import os
from pathlib import Path

from aenbench.leaderboard.entry_folder import SUBMISSION_FILE
from aenbench.leaderboard.untrusted.files import absolute

TRACK_FOLDER = "discovery"
"""Of a board, beside the datasets that its entries are about."""
README_FILE = "README.md"


def find_submissions(base: Path) -> list[Path]:
    """Folders at or below a folder that hold a `submission.json`, sorted; links and hidden folders are not followed.

    A folder with an `entry.json`, too, is an entry, which may hold no `submission.json`; verifying it says so.
    """
    found = []
    for folder, folders, files in os.walk(base):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if SUBMISSION_FILE in files:
            found.append(Path(folder))
    return sorted(found)


def is_of_track(folder: Path) -> bool:
    """Whether a folder is the track's, or a submission's."""
    return absolute(folder).name == TRACK_FOLDER or (folder / SUBMISSION_FILE).is_file()
