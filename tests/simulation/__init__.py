"""A deterministic simulation of migrations: the real functions and jobs over simulated AWS services."""
