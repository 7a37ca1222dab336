"""The sections of a report, as Markdown: one file each."""
