"""Everything that people receive, as pictures in a folder: to be looked at before it goes out."""
