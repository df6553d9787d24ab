"""The functions by their handlers, with clients of their own, against the embedded AWS."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import clean_up.handler
import enable_trigger.handler
import stream_processor.handler
import write_cdc.handler
from ddb_migration.aws.destination_lock import DestinationLock, Holder
from ddb_migration.core.bulk_plan import BulkPlan
from ddb_migration.core.control_record import ABORTING, CLOSED
from ddb_migration.core.item_key import message_group
from tests.aws.deployed import EXECUTION, Deployed
from tests.fakes.dynamodb import items_of
from tests.fakes.sqs import event_records


class Context:
    """An invocation's context with a given time left."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class CloudFormation:
    """Takes the answers of the custom resource on a loopback port."""

    def __init__(self, deployed: Deployed) -> None:
        self.answers: list[dict[str, Any]] = []
        self.deployed = deployed
        answers = self.answers

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                length = int(self.headers["Content-Length"])
                answers.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)

    def send(self, request_type: str, seconds: float = 300.0, **more: Any) -> tuple[str, str]:
        """Send an event and return status and reason of the answer."""
        event = {
            "RequestType": request_type,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "CleanUp",
            "ResourceProperties": {
                "DestinationTable": self.deployed.destination,
                "ForceDelete": "false",
                "KeepBucket": "false",
                **more.pop("properties", {}),
            },
            **more,
        }
        clean_up.handler.handler(event, Context(seconds))
        answer = self.answers[-1]
        assert (answer["StackId"], answer["RequestId"], answer["LogicalResourceId"]) == ("stack", "request", "CleanUp")
        return answer["Status"], answer["Reason"]


@pytest.fixture(autouse=True)
def _fresh(deployed: Deployed) -> Iterator[None]:
    """Handlers keep their parts for the next invocation; here the next is of another migration."""
    made_once = (
        clean_up.handler._ending,
        enable_trigger.handler._parts,
        stream_processor.handler._parts,
        write_cdc.handler._write_cdc,
    )
    for each in made_once:
        each.cache_clear()
    yield
    for each in made_once:
        each.cache_clear()


@pytest.fixture
def cloud_formation(deployed: Deployed) -> Iterator[CloudFormation]:
    served = CloudFormation(deployed)
    thread = threading.Thread(target=served.server.serve_forever, args=(0.02,))
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


def lock_of(deployed: Deployed, **changed: str) -> DestinationLock:
    holder = {
        "name": f"Stack/{deployed.name}",
        "control_table": f"{deployed.name}-control",
        "change_queue": deployed.queue_url,
        "stream_processor": f"{deployed.name}-processor",
        **changed,
    }
    return DestinationLock(deployed.ssm, deployed.destination, Holder(**holder))


def test_a_change_goes_from_the_stream_to_the_destination(deployed: Deployed) -> None:
    deployed.open(BulkPlan(1, 1), apply_started=1, barrier_at=1)
    image = {"pk": {"S": "a"}, "sk": {"N": "1"}, "b": {"B": "AP8="}}
    body = {
        "Keys": {"pk": {"S": "a"}, "sk": {"N": "1"}},
        "NewImage": image,
        "SequenceNumber": "1" * 21,
        "StreamViewType": "NEW_IMAGE",
    }
    captured = stream_processor.handler.handler({"Records": [{"eventName": "INSERT", "dynamodb": body}]}, Context())
    assert captured == {"batchItemFailures": []}
    received = deployed.sqs.receive_message(
        QueueUrl=deployed.queue_url, MessageSystemAttributeNames=["MessageGroupId"], MaxNumberOfMessages=10
    )
    (record,) = event_records(received)
    assert record["attributes"]["MessageGroupId"] == message_group(body["Keys"])  # type: ignore[arg-type]
    assert write_cdc.handler.handler({"Records": [record]}, Context()) == {"batchItemFailures": []}
    assert items_of(deployed.dynamodb, deployed.destination) == [{**image, "b": {"B": b"\x00\xff"}}]


def test_an_invocation_at_its_end_returns_its_messages(deployed: Deployed) -> None:
    deployed.open(BulkPlan(1, 1), apply_started=1, barrier_at=1)
    record = {
        "messageId": "m1",
        "receiptHandle": "r1",
        "body": json.dumps({"v": 1, "epoch": "e1", "kind": "delete", "key": {"pk": {"S": "a"}}, "number": "1" * 21}),
        "attributes": {"MessageGroupId": "g"},
    }
    answer = write_cdc.handler.handler({"Records": [record]}, Context(9))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_probes_change_nothing(deployed: Deployed) -> None:
    key = {"pk": {"S": "probe"}, "sk": {"N": "0"}}
    assert stream_processor.handler.handler({"probe": key}, Context()) == {"denied": []}
    assert write_cdc.handler.handler({"probe": key}, Context()) == {"denied": []}
    for table in (deployed.source, deployed.destination, f"{deployed.name}-control"):
        assert items_of(deployed.dynamodb, table) == []
    assert "Messages" not in deployed.sqs.receive_message(QueueUrl=deployed.queue_url)


def test_a_state_is_given_its_own_last_answer_only(deployed: Deployed) -> None:
    deployed.open(BulkPlan(1, 1))
    event = {"state": "ChooseBulkLoad", "execution": EXECUTION, "last": {"state": "Settle", "held": True}}
    answer = enable_trigger.handler.handler(event, Context())
    assert (answer["done"], answer["bulk_load"], answer["state"]) == (True, "direct", "ChooseBulkLoad")
    assert deployed.control.read().phase == "ChooseBulkLoad"


def test_creating_and_updating_pass_where_nothing_runs(cloud_formation: CloudFormation) -> None:
    old = {"DestinationTable": "arn:aws:dynamodb:us-east-1:123456789012:table/old"}
    assert cloud_formation.send("Create") == ("SUCCESS", "done")
    assert cloud_formation.send("Update", OldResourceProperties=old)[0] == "SUCCESS"


def test_creating_a_second_migration_of_a_running_destination_fails(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    lock_of(deployed, name="Stack/First", control_table="first").acquire()
    status, reason = cloud_formation.send("Create")
    assert status == "FAILED"
    assert "ddb-migration abort Stack/First" in reason
    assert cloud_formation.send("Create", properties={"ForceDelete": "true"})[0] == "SUCCESS"


def test_an_update_that_replaces_the_queue_of_a_running_migration_fails(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    same = {"DestinationTable": deployed.destination}
    lock_of(deployed, change_queue="the-old-queue").acquire()
    status, reason = cloud_formation.send("Update", OldResourceProperties=same)
    assert (status, "the same migration with new resources" in reason) == ("FAILED", True)
    forced = cloud_formation.send("Update", OldResourceProperties=same, properties={"ForceDelete": "true"})
    assert forced[0] == "SUCCESS"


def test_an_update_that_takes_a_running_migrations_destination_fails(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    lock_of(deployed).acquire()
    elsewhere = {"DestinationTable": "arn:aws:dynamodb:us-east-1:123456789012:table/elsewhere"}
    old = {"DestinationTable": deployed.destination}
    status, reason = cloud_formation.send("Update", OldResourceProperties=old, properties=elsewhere)
    assert (status, "takes from it" in reason) == ("FAILED", True)
    # By which CloudFormation rolls back: the same event with old and new in each other's place.
    assert cloud_formation.send("Update", OldResourceProperties=elsewhere)[0] == "SUCCESS"


def test_an_update_that_takes_the_way_back_of_a_running_migration_fails(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    without = {"DestinationTable": deployed.destination}
    having = {**without, "ReverseStreamProcessor": "arn:reverse"}
    # Nothing runs yet, so there is no way back to be lost.
    assert cloud_formation.send("Update", OldResourceProperties=having)[0] == "SUCCESS"
    lock_of(deployed).acquire()
    status, reason = cloud_formation.send("Update", OldResourceProperties=having)
    assert (status, "Keep rollback_window until" in reason) == ("FAILED", True)
    replaced = {"ReverseStreamProcessor": "arn:another"}
    assert cloud_formation.send("Update", OldResourceProperties=having, properties=replaced)[0] == "FAILED"
    assert cloud_formation.send("Update", OldResourceProperties=having, properties=having)[0] == "SUCCESS"
    # By which CloudFormation rolls back, and by which a way back is added.
    assert cloud_formation.send("Update", OldResourceProperties=without, properties=having)[0] == "SUCCESS"
    forced = {"ForceDelete": "true"}
    assert cloud_formation.send("Update", OldResourceProperties=having, properties=forced)[0] == "SUCCESS"


def test_an_update_that_takes_the_right_to_fence_from_a_running_migration_fails(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    without = {"DestinationTable": deployed.destination}
    having = {**without, "FenceSourceWrites": "true"}
    # Nothing runs, so no fence is watched over.
    assert cloud_formation.send("Update", OldResourceProperties=having)[0] == "SUCCESS"
    lock_of(deployed).acquire()
    status, reason = cloud_formation.send("Update", OldResourceProperties=having)
    assert (status, "Keep fence_source_writes=True until" in reason) == ("FAILED", True)
    assert f"ddb-migration abort Stack/{deployed.name}" in reason
    assert cloud_formation.send("Update", OldResourceProperties=having, properties=having)[0] == "SUCCESS"
    # By which CloudFormation rolls back, and by which the right is given.
    assert cloud_formation.send("Update", OldResourceProperties=without, properties=having)[0] == "SUCCESS"
    forced = {"ForceDelete": "true"}
    assert cloud_formation.send("Update", OldResourceProperties=having, properties=forced)[0] == "SUCCESS"


@pytest.mark.parametrize(("keep", "left"), [("false", 0), ("true", 1)])
def test_deleting_sets_the_tombstone_and_empties_the_bucket_unless_it_is_kept(
    deployed: Deployed, cloud_formation: CloudFormation, keep: str, left: int
) -> None:
    deployed.s3.put_object(Bucket=deployed.name, Key="export/file", Body=b"x")
    lock_of(deployed).acquire()
    assert cloud_formation.send("Delete", properties={"KeepBucket": keep}) == ("SUCCESS", "done")
    assert deployed.control.read().tombstone
    assert lock_of(deployed).holder() is None
    assert deployed.s3.list_objects_v2(Bucket=deployed.name).get("KeyCount", 0) == left


def test_a_bucket_that_keeps_versions_is_emptied_of_all_of_them(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    """A team's rules for all its buckets may have switched versioning on."""
    deployed.s3.put_object(Bucket=deployed.name, Key="export/before", Body=b"x")
    deployed.s3.put_bucket_versioning(Bucket=deployed.name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"x", b"y"):
        deployed.s3.put_object(Bucket=deployed.name, Key="export/file", Body=body)
    deployed.s3.delete_object(Bucket=deployed.name, Key="export/file")
    assert cloud_formation.send("Delete", properties={"KeepBucket": "false"}) == ("SUCCESS", "done")
    left = deployed.s3.list_object_versions(Bucket=deployed.name)
    assert (left.get("Versions", []), left.get("DeleteMarkers", [])) == ([], [])


def test_deleting_a_running_migration_that_takes_longer_says_so(
    deployed: Deployed, cloud_formation: CloudFormation
) -> None:
    deployed.open(BulkPlan(1, 1))
    deployed.s3.put_object(Bucket=deployed.name, Key="export/file", Body=b"x")
    status, reason = cloud_formation.send("Delete", seconds=20)
    assert (status, "delete the stack again" in reason) == ("FAILED", True)
    record = deployed.control.read()
    assert (record.tombstone, record.status) == (True, ABORTING)
    assert deployed.s3.list_objects_v2(Bucket=deployed.name)["KeyCount"] == 1


def test_the_abort_of_the_operator_is_one_pass(deployed: Deployed) -> None:
    handler = clean_up.handler.handler
    assert handler({"action": "abort"}, Context()) == {"done": True, "waiting_for": "", "refused": None, "left_on": []}
    deployed.open(BulkPlan(1, 1))
    answer = handler({"action": "abort"}, Context())
    assert answer is not None
    assert (answer["done"], "last invocations" in answer["waiting_for"]) == (False, True)
    deployed.control.note_mappings_removed(str(deployed.control.read().epoch), 0.0)
    assert handler({"action": "abort"}, Context()) == {"done": True, "waiting_for": "", "refused": None, "left_on": []}
    assert deployed.control.read().status == CLOSED
