"""From official annotation files to the segment table; one adapter per layout."""
