"""How tests ask a server for a body through the client."""

from stages.lib.core.sections import Fetch
from stages.lib.fetch.http import Client
from stages.lib.fetch.sources import Memory
from tests.faulty_server import SETTINGS

BODY = bytes(range(256)) * 40


def client(say=print, **changes):
    return Client(Fetch(**SETTINGS | changes), say)


def get(url, the_client=None, max_mb=1.0):
    content = Memory()
    return (the_client or client()).get(url, content, max_mb), content.getvalue()
