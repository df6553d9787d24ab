"""Stands for Glue's own library in the rehearsal; only argument parsing, because the jobs use no more."""
