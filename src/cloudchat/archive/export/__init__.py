"""Export a room: everything that the archive has of it, as JSON Lines or as one HTML file.

`service` reads the archive page by page, for the route and for the command line; the formats are in `jsonl` and in
`html_page`. docs/export-format.md documents JSON Lines, which `archive/importing` reads again.
"""
