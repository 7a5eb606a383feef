"""From official annotation files to the segment table: a table of formats, and one adapter for each."""
