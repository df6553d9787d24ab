"""The change queue: SQS FIFO between StreamProcessor and WriteCdc, and its dead-letter queue."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ddb_migration_construct.stack_facts import seconds

# WriteCdc times out after 30 s; AWS advises six times that for the queue (Lambda guide, "Using Lambda with SQS").
VISIBILITY_SECONDS = 180
# A message is worth nearly any number of attempts: one that is given up is a key to be read again.
MAX_RECEIVES = 1000
MESSAGE_BYTES = 1_048_576
DEAD_LETTER_SECONDS = 14 * 86400
TLS_ONLY = {
    "Action": "sqs:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Resource": "*",
}


class ChangeQueue(Construct):
    """A FIFO queue in high-throughput mode, and a dead-letter queue that keeps for 14 days."""

    def __init__(self, scope: Construct, id: str, *, retention: Duration, encryption_key: kms.IKey | None) -> None:
        """Create both queues; `retention` is how long a change may wait."""
        super().__init__(scope, id)
        self.dead_letter_queue = self._queue("DeadLetterQueue", seconds(DEAD_LETTER_SECONDS), encryption_key)
        dead_letters = sqs.DeadLetterQueue(max_receive_count=MAX_RECEIVES, queue=self.dead_letter_queue)
        self.queue = self._queue("Queue", retention, encryption_key, dead_letters)
        self.queue_url, self.dead_letter_queue_url = self.queue.queue_url, self.dead_letter_queue.queue_url
        self._refuse_plain_text()

    def _refuse_plain_text(self) -> None:
        """Deny what does not come by TLS: one policy for both queues, in each of which `*` is that queue."""
        # As the CDK's QueuePolicy names its resource.
        sqs.CfnQueuePolicy(
            Construct(self, "Policy"),
            "Resource",
            queues=[self.queue_url, self.dead_letter_queue_url],
            policy_document={"Statement": [TLS_ONLY], "Version": "2012-10-17"},
        )

    def _queue(
        self,
        id: str,
        retention: Duration,
        key: kms.IKey | None,
        dead_letters: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id,
            fifo=True,
            content_based_deduplication=False,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            visibility_timeout=seconds(VISIBILITY_SECONDS),
            retention_period=retention,
            max_message_size_bytes=MESSAGE_BYTES,
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            dead_letter_queue=dead_letters,
            # Nothing in a queue outlives its migration: what is not applied is still in the source.
            removal_policy=RemovalPolicy.DESTROY,
        )
