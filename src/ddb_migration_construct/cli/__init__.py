"""The command line `ddb-migration`: one file per command."""
