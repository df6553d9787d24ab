"""Plain strings that the construct and the runtime code share; nothing here may import anything."""

# Environment of the functions and arguments of the jobs.
CONTROL_TABLE = "CONTROL_TABLE"
SOURCE_TABLE = "SOURCE_TABLE"
DESTINATION_TABLE = "DESTINATION_TABLE"
DESTINATION_ROLE = "DESTINATION_ROLE"
DESTINATION_CALLERS = "DESTINATION_CALLERS"
# What a job is told where there is no such role: Glue takes no empty argument.
NO_ROLE = "none"
CHANGE_QUEUE_URL = "CHANGE_QUEUE_URL"
CHANGE_QUEUE_ARN = "CHANGE_QUEUE_ARN"
CHANGE_RETENTION_SECONDS = "CHANGE_RETENTION_SECONDS"
DEAD_LETTER_QUEUE_URL = "DEAD_LETTER_QUEUE_URL"
STREAM_PROCESSOR = "STREAM_PROCESSOR"
WRITE_CDC = "WRITE_CDC"
DIRECT_MIGRATION_JOB = "DIRECT_MIGRATION_JOB"
LARGE_MIGRATION_JOB = "LARGE_MIGRATION_JOB"
VERIFY_JOB = "VERIFY_JOB"
MIGRATION_BUCKET = "MIGRATION_BUCKET"
# Not given where the migration has no key of its own.
MIGRATION_KEY = "MIGRATION_KEY"
DIRECT_MIGRATION_ROLE = "DIRECT_MIGRATION_ROLE"
LARGE_MIGRATION_ROLE = "LARGE_MIGRATION_ROLE"
VERIFY_ROLE = "VERIFY_ROLE"
MIGRATION_NAME = "MIGRATION_NAME"
SETTINGS = "SETTINGS"
CANARY_ROLE = "CANARY_ROLE"
NOTIFICATION_TOPIC = "NOTIFICATION_TOPIC"
REVERSE_STREAM_PROCESSOR = "REVERSE_STREAM_PROCESSOR"
REVERSE_WRITE_CDC = "REVERSE_WRITE_CDC"
REVERSE_WRITE_CDC_ROLE = "REVERSE_WRITE_CDC_ROLE"
REVERSE_CHANGE_QUEUE_URL = "REVERSE_CHANGE_QUEUE_URL"
REVERSE_CHANGE_QUEUE_ARN = "REVERSE_CHANGE_QUEUE_ARN"
REVERSE_DEAD_LETTER_QUEUE_URL = "REVERSE_DEAD_LETTER_QUEUE_URL"
# Which way the changes go that a function carries, and its values.
DIRECTION = "DIRECTION"
FORWARD = "forward"
REVERSE = "reverse"

# States of the state machine, in the order of the path.
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
VERIFY_STATE = "Verify"
VERIFY_JOB_STATE = "VerifyJob"
REPAIR_STATE = "Repair"
START_REVERSE_CAPTURE_STATE = "StartReverseCapture"
READY_TO_CUT_OVER_STATE = "ReadyToCutOver"
CUT_OVER_STATE = "CutOver"
LIFT_FENCE_STATE = "LiftFence"
ROLLBACK_WINDOW_STATE = "RollbackWindow"
ROLL_BACK_STATE = "RollBack"
LIFT_DESTINATION_FENCE_STATE = "LiftDestinationFence"
COMPLETE_STATE = "Complete"

# Phases that are announced beside the states.
FENCED_PHASE = "Fenced"
FENCE_LIFTED_PHASE = "FenceLifted"
FENCE_RESTORED_PHASE = "FenceRestored"
FENCE_LEFT_PHASE = "FenceLeft"
HAS_CUT_OVER_PHASE = "HasCutOver"
COMPLETED_PHASE = "Completed"
LATE_CHANGES_PHASE = "LateChanges"
DESTINATION_FENCED_PHASE = "DestinationFenced"
DESTINATION_FENCE_LIFTED_PHASE = "DestinationFenceLifted"
DESTINATION_FENCE_RESTORED_PHASE = "DestinationFenceRestored"
ROLLED_BACK_PHASE = "RolledBack"
LATE_DESTINATION_CHANGES_PHASE = "LateDestinationChanges"

# The two bulk loads.
DIRECT = "direct"
LARGE = "large"

# Where the objects of verify passes lie in the migration bucket.
VERIFY_PREFIX = "verify/"

# Tags of the state machine, by which the command line finds a migration and its parts.
TAG_NAME = "ddb-migration:name"
TAG_SOURCE = "ddb-migration:source"
TAG_DESTINATION = "ddb-migration:destination"
TAG_CONTROL_TABLE = "ddb-migration:control-table"
TAG_CLEAN_UP = "ddb-migration:clean-up"
TAG_CHANGE_QUEUE = "ddb-migration:change-queue"
TAG_DEAD_LETTER_QUEUE = "ddb-migration:dead-letter-queue"
TAG_REREAD = "ddb-migration:reread"
TAG_VERIFY_JOB = "ddb-migration:verify-job"
TAG_BUCKET = "ddb-migration:bucket"
TAG_CUT_OVER = "ddb-migration:cut-over"
# Only where the migration can be rolled back.
TAG_REVERSE_CHANGE_QUEUE = "ddb-migration:reverse-change-queue"
TAG_REVERSE_DEAD_LETTER_QUEUE = "ddb-migration:reverse-dead-letter-queue"

# Key attributes of the control table, and its sparse index of parked keys.
PK = "pk"
SK = "sk"
PARKED_INDEX = "parked"
PARKED_EPOCH = "parked_epoch"
# Before the epoch in that attribute, once an operator has accepted the key as it is: the index holds both lists.
ACCEPTED = "accepted#"
# The sparse index of changed keys: by partition (five minutes and shard) and by when the watermark was raised.
CHANGED_INDEX = "changed"
CHANGED_IN = "changed_in"
RAISED_AT = "at"
ITEM_KEY = "item_key"

# Parameter Store path under which the lock of each destination lies.
DESTINATION_LOCKS = "/ddb-migration/destination-locks"

# Metrics: all of one namespace, each with the migration's name as its dimension; core/metrics.py has their units.
METRIC_NAMESPACE = "DdbMigration"
METRIC_DIMENSION = "Migration"
# The second dimension of METRIC_THROTTLES: DynamoDB's own reason.
METRIC_REASON = "Reason"
# Behind a migration's name, where metrics are of its reverse path.
METRIC_REVERSE = " (reverse)"
METRIC_REPLICATION_LAG = "ReplicationLag"
METRIC_OLDEST_CHANGE_AGE = "OldestChangeAge"
METRIC_CAPTURED = "CapturedChanges"
METRIC_APPLIED = "AppliedChanges"
METRIC_STALE = "StaleChanges"
METRIC_DISCARDED = "DiscardedMessages"
METRIC_PARKED = "ParkedKeys"
METRIC_REREADS = "Rereads"
METRIC_THROTTLES = "Throttles"
METRIC_CHANGES_AFTER_CUT_OVER = "SourceChangesAfterCutOver"

# Findings of SetupCheck: docs/setup-check.md tells of each. The advised ones `accepted_findings` may name.
REQUIRED_FINDINGS = (
    "source-elsewhere",
    "source-missing",
    "source-not-active",
    "source-key",
    "source-stream-off",
    "source-stream-view",
    "source-recovery-off",
    "destination-elsewhere",
    "destination-policy",
    "destination-role",
    "destination-key-elsewhere",
    "destination-missing",
    "destination-not-active",
    "destination-key",
    "destination-not-empty",
    "destination-locked",
    "same-table",
    "key-schema",
    "index",
    "function-role",
    "job-role",
    "already-running",
    "stream-replaced",
    "stream-gap",
    "fence-replicas",
    "fence-policy",
    "destination-stream-elsewhere",
    "destination-stream-off",
    "destination-stream-view",
    "destination-replicas",
    "destination-fence-policy",
)
ADVISED_FINDINGS = (
    "stream-readers",
    "destination-stream-readers",
    "destination-time-to-live",
    "time-to-live-differs",
    "forecast",
)
