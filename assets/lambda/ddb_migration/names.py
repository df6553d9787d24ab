"""Plain strings that the construct and the runtime code share; nothing here may import anything."""

# Environment of the functions and arguments of the jobs.
CONTROL_TABLE = "CONTROL_TABLE"
SOURCE_TABLE = "SOURCE_TABLE"
DESTINATION_TABLE = "DESTINATION_TABLE"
CHANGE_QUEUE_URL = "CHANGE_QUEUE_URL"
CHANGE_QUEUE_ARN = "CHANGE_QUEUE_ARN"
DEAD_LETTER_QUEUE_URL = "DEAD_LETTER_QUEUE_URL"
STREAM_PROCESSOR = "STREAM_PROCESSOR"
WRITE_CDC = "WRITE_CDC"
DIRECT_MIGRATION_JOB = "DIRECT_MIGRATION_JOB"
LARGE_MIGRATION_JOB = "LARGE_MIGRATION_JOB"
MIGRATION_BUCKET = "MIGRATION_BUCKET"
MIGRATION_NAME = "MIGRATION_NAME"
SETTINGS = "SETTINGS"

# States of the state machine: design.md section 3.
SETUP_CHECK_STATE = "SetupCheck"
START_CAPTURE_STATE = "StartCapture"
SETTLE_STATE = "Settle"
CHOOSE_BULK_LOAD_STATE = "ChooseBulkLoad"
DIRECT_MIGRATION_JOB_STATE = "DirectMigrationJob"
EXPORT_STATE = "Export"
LARGE_MIGRATION_JOB_STATE = "LargeMigrationJob"
BARRIER_STATE = "Barrier"
ENABLE_TRIGGER_STATE = "EnableTrigger"
DRAIN_STATE = "Drain"

# The two bulk loads.
DIRECT = "direct"
LARGE = "large"

# Tags of the state machine, by which the command line finds a migration and its parts.
TAG_NAME = "ddb-migration:name"
TAG_CONTROL_TABLE = "ddb-migration:control-table"
TAG_CLEAN_UP = "ddb-migration:clean-up"
TAG_CHANGE_QUEUE = "ddb-migration:change-queue"

# Key attributes of the control table, and its sparse index of parked keys.
PK = "pk"
SK = "sk"
PARKED_INDEX = "parked"
PARKED_EPOCH = "parked_epoch"

# Parameter Store path under which the lock of each destination lies.
DESTINATION_LOCKS = "/ddb-migration/destination-locks"

# Findings of SetupCheck that `accepted_findings` may name.
ADVISED_FINDINGS = ("stream-readers",)
