import pytest

from payments.tests.shop import Shop, open_shop
from tests.fixtures import Sandbox


@pytest.fixture
def shop(db: None, sandbox: Sandbox) -> Shop:
    """A caterer on a fresh sandbox, inside the test's own transaction."""
    return open_shop(sandbox)


@pytest.fixture
def open_to_threads(transactional_db: None, sandbox: Sandbox) -> Shop:
    """The same, committed, so that threads see it."""
    return open_shop(sandbox)
