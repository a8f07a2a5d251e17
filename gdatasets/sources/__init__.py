"""Published and own image sets: one catalog, one downloader, a reader for each format."""
