"""CleanUp: ends a migration, on the operator's word or with its stack, and guards a running one."""
