"""Published and own image sets: one catalogue, one downloader, a reader for each format."""
