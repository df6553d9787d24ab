"""The AWS edge: the only code of functions and jobs that talks to AWS."""
