"""What the functions and the Glue jobs of a migration share: `core` decides, `aws` talks to AWS."""
