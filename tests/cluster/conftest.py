"""Sessions on a Ray cluster of two nodes of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smallpond
from ray_nodes import two_nodes
from worker_faults import WorkerFaults


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> WorkerFaults:
    return WorkerFaults(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def cluster(faults: WorkerFaults) -> Iterator[Any]:
    with two_nodes(SMALLPOND_TEST_FAULTS=str(faults.folder)) as cluster:
        yield cluster


@pytest.fixture
def ray_sp(cluster: Any, tmp_path: Path) -> Iterator[smallpond.Session]:
    """Shuffles whatever can be shuffled. Leaves nothing: no job, no spill file, no actor."""
    import ray

    root = tmp_path / "root"
    with smallpond.init(
        ray_address=cluster.address,
        data_root=root,
        duckdb_memory="500MB",
        partitions=4,
        broadcast_size=1,
    ) as sp:
        yield sp
        assert list((root / "jobs").iterdir()) == []
    assert list((root / "temp").iterdir()) == []
    assert not ray.is_initialized(), "the executor was closed"
