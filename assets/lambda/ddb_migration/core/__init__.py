"""Pure decisions: no AWS, no clock of their own, the standard library only."""
