"""The change queue: SQS FIFO between StreamProcessor and WriteCdc, and its dead-letter queue."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# WriteCdc times out after 30 s; AWS advises six times that for the queue (Lambda guide, "Using Lambda with SQS").
VISIBILITY = Duration.seconds(180)
# A message is worth nearly any number of attempts: one that is given up is a key to be read again.
MAX_RECEIVES = 1000
MESSAGE_BYTES = 1_048_576


class ChangeQueue(Construct):
    """A FIFO queue in high-throughput mode, and a dead-letter queue that keeps for 14 days."""

    def __init__(self, scope: Construct, id: str, *, retention: Duration, encryption_key: kms.IKey | None) -> None:
        """Create both queues; `retention` is how long a change may wait."""
        super().__init__(scope, id)
        self.dead_letter_queue = self._queue("DeadLetterQueue", Duration.days(14), encryption_key)
        dead_letters = sqs.DeadLetterQueue(max_receive_count=MAX_RECEIVES, queue=self.dead_letter_queue)
        self.queue = self._queue("Queue", retention, encryption_key, dead_letters)
        self._refuse_plain_text()

    def _refuse_plain_text(self) -> None:
        """Deny what does not come by TLS: one policy for both queues, in each of which `*` is that queue."""
        policy = sqs.QueuePolicy(self, "Policy", queues=[self.queue, self.dead_letter_queue])
        policy.document.add_statements(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["sqs:*"],
                resources=["*"],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
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
            visibility_timeout=VISIBILITY,
            retention_period=retention,
            max_message_size_bytes=MESSAGE_BYTES,
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            dead_letter_queue=dead_letters,
            # Nothing in a queue outlives its migration: what is not applied is still in the source.
            removal_policy=RemovalPolicy.DESTROY,
        )
