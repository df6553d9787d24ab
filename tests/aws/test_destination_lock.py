from __future__ import annotations

from dataclasses import replace

import pytest

from ddb_migration.aws.destination_lock import DestinationLock, DestinationLocked, Holder, parameter_name
from tests.aws.conftest import Client

ME = Holder("Stack/Mine", "control-mine", "queue-mine", "processor-mine")
OTHER = Holder("Stack/Other", "control-other", "queue-other", "processor-other")


@pytest.fixture
def locks(client: Client, name: str) -> tuple[DestinationLock, DestinationLock]:
    """My lock and another migration's, of one destination."""
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{name}"
    return DestinationLock(client("ssm"), arn, ME), DestinationLock(client("ssm"), arn, OTHER)


def test_a_lock_is_held_by_one(locks: tuple[DestinationLock, DestinationLock]) -> None:
    mine, others = locks
    assert mine.holder() is None
    mine.acquire()
    mine.acquire()
    assert (mine.holder(), mine.other(), others.other()) == (ME, None, ME)
    with pytest.raises(DestinationLocked, match="ddb-migration abort Stack/Mine"):
        others.acquire()
    assert mine.holder() == ME


def test_a_lock_is_given_back_by_its_holder_only(locks: tuple[DestinationLock, DestinationLock]) -> None:
    mine, others = locks
    mine.release()
    mine.acquire()
    others.release()
    assert mine.holder() == ME
    mine.release()
    mine.release()
    others.acquire()
    assert mine.other() == OTHER


def test_a_renamed_migration_with_its_control_table_still_holds(client: Client, name: str) -> None:
    DestinationLock(client("ssm"), name, ME).acquire()
    renamed = DestinationLock(client("ssm"), name, replace(ME, name="Stack/Renamed"))
    renamed.acquire()
    assert renamed.other() is None
    renamed.release()
    assert renamed.holder() is None


def test_each_destination_has_a_parameter_of_its_own() -> None:
    assert parameter_name("arn:one") != parameter_name("arn:two")
    assert parameter_name("arn:one").startswith("/ddb-migration/destination-locks/")
