"""What a rehearsal cannot show about AWS: printed with every report, lest it be taken for more than it is."""

from __future__ import annotations

LIMITS = (
    "Capacity: no hot partitions or quotas; throttling and unprocessed items only where --faults injects them, at "
    "rates of its own.",
    "Streams: one shard per stream; no shard splits, no 24-hour trim, and hardly any lag.",
    "Time: waits are shortened, time-outs are not; what takes days (retention, expiry) does not happen.",
    "Exports: full ones in DynamoDB JSON, as of their time to the moment, made within seconds.",
    "Glue: PySpark with two local threads on this machine; no lost workers, no DynamicFrame, no bookmarks.",
    "Lambda: functions run on this machine's Python; no memory limit, layers or reserved concurrency.",
    "IAM: the roles of functions, jobs and the state machine are judged, and the resource policies of tables, which "
    "are seen everywhere at once; KMS keys, VPC endpoints, service control policies and the rights of whoever deploys "
    "are not judged.",
    "Event source mappings: pollers of the rehearsal's own; no filters or failure destinations.",
    "Items: time to live deletes within a minute, not within days; limits are as the embedded DynamoDB has them.",
    "Alarms are created but never evaluated; notifications go nowhere.",
    "Speed: the seconds of this run say nothing about the seconds on AWS.",
)
