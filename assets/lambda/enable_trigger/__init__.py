"""EnableTrigger: the states of the state machine that steer capture, bulk load and apply."""
