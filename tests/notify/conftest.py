"""A real Redis for each test, empty: single, and as a cluster."""

import pytest


@pytest.fixture(params=["single", "cluster"])
def redis(request):
    server = request.getfixturevalue(
        f"redis_{'server' if request.param == 'single' else 'cluster'}"
    )
    server.flush()
    return server
