"""SetupCheck: everything that can be wrong, found before anything is created."""
