"""Every test of the queue runs on a single Redis and on a cluster."""

import pytest
from tests.queue.line import a_line


@pytest.fixture(params=["single", "cluster"])
def url(request):
    name = "redis_server" if request.param == "single" else "redis_cluster"
    server = request.getfixturevalue(name)
    server.flush()
    return server.url


@pytest.fixture
def line(url, tmp_path):
    with a_line(url, tmp_path) as line:
        yield line
