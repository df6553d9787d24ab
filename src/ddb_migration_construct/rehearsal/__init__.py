"""The rehearsal: a whole migration on one machine, against an embedded AWS, with a verdict at its end."""
