"""A Ray cluster of two nodes of this machine, on 127.0.0.1 alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CPUS_PER_NODE = 2
NODE = {
    "num_cpus": CPUS_PER_NODE,
    "object_store_memory": 80_000_000,
    "node_ip_address": "127.0.0.1",
}
# Read by every process of the cluster: listen on 127.0.0.1 only, report nothing to anybody, and
# notice a dead node within seconds.
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}


@contextmanager
def two_nodes(**environment: str) -> Iterator[Any]:
    """The cluster. Its processes are this one's children, and are ended by their ids."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, **environment}.items():
            patch.setenv(name, value)
        pytest.importorskip("ray")
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        cluster.add_node(**NODE)
        yield cluster
        cluster.shutdown()
