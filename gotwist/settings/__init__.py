"""The settings engine: one table of options, files read and merged into frozen snapshots."""
