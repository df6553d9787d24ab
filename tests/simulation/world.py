"""The simulated world of one run: services, tables, and the functions' and jobs' processes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.announcing import EventsClient, MetricsClient
from tests.simulation.database import Database, DynamoDbClient
from tests.simulation.executions import StateMachine, StepFunctionsClient
from tests.simulation.faults import Faults
from tests.simulation.functions import Function
from tests.simulation.glue import Glue, GlueClient
from tests.simulation.kernel import Kernel
from tests.simulation.mappings import LambdaClient, MappingService
from tests.simulation.mappings import Mapping as EventSourceMapping
from tests.simulation.queue import Queue
from tests.simulation.queue_mapping import QueueClient, QueueMapping
from tests.simulation.services import RETRYING, SINGLE, Calls
from tests.simulation.source import Source
from tests.simulation.storage import BucketClient, Export, ParameterClient
from tests.simulation.stream import Stream
from tests.simulation.stream_mapping import StreamMapping
from tests.simulation.stream_reading import StreamsClient
from tests.simulation.table_policy import CanaryClient, SimulatedPolicy, TokenClient
from tests.simulation.tables import SimulatedTable

START = 1_800_000_000.0
MOST_EVENTS = 600_000
REVERSE_ROLE = "arn:aws:iam::111111111111:role/reverse-write-cdc"
KEY_TYPES: Mapping[str, str] = {"pk": "S", "sk": "N"}


@dataclass
class World:
    """Everything outside the product's code; `rollback_window` is in seconds, None where there is no way back."""

    faults: Faults
    key_names: tuple[str, ...] = ("pk", "sk")
    most_events: int = MOST_EVENTS
    most_apply: int = 100
    rollback_window: float | None = None
    kernel: Kernel = field(init=False)
    told: Callable[[str, str], None] = lambda kind, text: None
    announced: Callable[[dict[str, Any]], None] = lambda detail: None

    def __post_init__(self) -> None:
        """Build the services."""
        self.kernel = Kernel(START, self.most_events)
        self.source = self._streamed("source")
        self.streamed_destination = self._streamed("destination")
        self.destination = self.streamed_destination.table
        self.control = _table("control", ("pk", "sk"))
        is_late = "late-fence" in self.faults.on
        self.policy = SimulatedPolicy(self.kernel, self.draws("policy"), is_late)
        self.destination_policy = SimulatedPolicy(self.kernel, self.draws("destination-policy"), is_late)
        policies = {self.source.table.arn: self.policy, self.destination.arn: self.destination_policy}
        self.policies = policies
        self.database = Database(self.kernel, self.source, self.streamed_destination, self.control, policies)
        self._queues()
        self.mappings = MappingService(self.kernel, self.faults, self._mapping)
        self.glue = Glue(self.kernel, self.faults, lambda kind, text: self.told(kind, text))
        self.functions: dict[str, Function] = {}
        self.machine = StateMachine(self.kernel, self.glue, {})
        self._clients()

    def draws(self, purpose: str) -> random.Random:
        """Return the draws of one purpose."""
        return self.faults.draws(purpose)

    def _streamed(self, name: str) -> Source:
        return Source(self.kernel, _table(name, self.key_names), _schema(self.key_names), self.draws(name))

    def _queues(self) -> None:
        self.dead_letters, self.reverse_dead_letters = self._queue("dead-letters"), self._queue("reverse-dead-letters")
        self.queue = self._queue("changes", self.dead_letters)
        self.reverse_queue = self._queue("reverse-changes", self.reverse_dead_letters)
        self.queues = (self.queue, self.reverse_queue)

    def _queue(self, name: str, dead_letters: Queue | None = None) -> Queue:
        return Queue(self.kernel, f"arn:aws:sqs:eu-west-1:111111111111:{name}.fifo", dead_letters=dead_letters)

    def streams(self) -> Iterator[Stream]:
        """Yield every stream that either table has had."""
        yield from self.source.streams
        yield from self.streamed_destination.streams

    def _clients(self) -> None:
        """Make the clients that the product asks for: of five attempts, and of one."""
        calls: Callable[[str, int], Calls] = lambda name, attempts: Calls(self.kernel, self.faults, name, attempts)  # noqa: E731
        self.queue_client = QueueClient(self.queues, calls("sqs", RETRYING))
        self.bucket_client = BucketClient(calls("s3", RETRYING))
        self.database.export = Export(self.database, self.bucket_client, self.draws("export")).start
        self._readers: dict[str, Any] = {
            "dynamodb": DynamoDbClient(self.database, calls("dynamodb", RETRYING)),
            "sqs": self.queue_client,
            "lambda": LambdaClient(self.mappings, calls("lambda", RETRYING)),
            "stepfunctions": StepFunctionsClient(self.machine, calls("stepfunctions", RETRYING)),
            "glue": GlueClient(self.glue, calls("glue", RETRYING)),
            "ssm": ParameterClient(calls("ssm", RETRYING)),
            "s3": self.bucket_client,
            "sts": TokenClient(calls("sts", RETRYING)),
            "dynamodbstreams": StreamsClient(self.streams, calls("dynamodb", RETRYING), self.kernel.clock),
            "cloudwatch": MetricsClient(),
            "events": EventsClient(calls("events", RETRYING), lambda detail: self.announced(detail)),
        }
        single = calls("dynamodb", SINGLE)
        self._writers: dict[str, Any] = {"dynamodb": DynamoDbClient(self.database, single)}
        self.reverse_writer = DynamoDbClient(self.database, single, REVERSE_ROLE)

    def client(self, service: str) -> Any:
        """Return a client that retries (None of what is not simulated), as `ddb_migration.aws.clients.client` does."""
        return self._readers.get(service)

    def writer(self, service: str) -> Any:
        """Return a client of one attempt, as `ddb_migration.aws.clients.writer` does."""
        return self._writers[service]

    def canary(self, credentials: Any) -> CanaryClient:
        """Return a client of the canary's role, as `ddb_migration.aws.clients.writer_as` does."""
        return CanaryClient(self.policies, Calls(self.kernel, self.faults, "dynamodb", SINGLE), self.draws("canary"))

    def add(self, name: str, timeout: float, handler: Callable[[Any, Any], Any]) -> Function:
        """Add a function."""
        function = Function(self.kernel, self.faults, name, timeout, handler)
        self.functions[name] = function
        self.mappings.functions[function.arn] = function
        return function

    def _mapping(self, uuid: str, function: Function, source: str, settings: dict[str, Any]) -> EventSourceMapping:
        settings = dict(settings)
        for queue in self.queues:
            if source == queue.arn:
                return QueueMapping(self.kernel, self.faults, uuid, function, queue, settings)
        stream = next(stream for stream in self.streams() if stream.arn == source)
        return StreamMapping(self.kernel, self.faults, uuid, function, stream, settings)


def _table(name: str, names: tuple[str, ...]) -> SimulatedTable:
    return SimulatedTable(f"arn:aws:dynamodb:eu-west-1:111111111111:table/{name}", names)


def _schema(names: tuple[str, ...]) -> dict[str, Any]:
    kinds = ("HASH", "RANGE")
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": KEY_TYPES[name]} for name in names],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)],
    }
