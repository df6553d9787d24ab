"""WriteCdc: apply, from the change queue to the destination."""
