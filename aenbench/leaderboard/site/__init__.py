"""The leaderboard as one page of HTML that needs nothing else: `page` makes it of a board."""
