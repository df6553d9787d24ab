"""CutOver: the states from ReadyToCutOver on, and what an operator asks of a migration that has cut over."""
