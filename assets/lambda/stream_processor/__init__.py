"""StreamProcessor: capture, from the source's stream to the change queue."""
