"""Reread: the one repair, asked for by an operator."""
