"""Asking the daemon's metrics, as a scraper does."""

import http.client
import re
from dataclasses import dataclass

from .waiting import DEADLINE

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([0-9.]+)$")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()


def ask(address, path="/metrics", method="GET", accept=None, body=None, source=None):
    """The whole answer to one request."""
    connection = http.client.HTTPConnection(*address, timeout=DEADLINE, source_address=source)
    try:
        connection.request(method, path, body, {"Accept": accept} if accept else {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


class Samples:
    """The samples of a text, each found by its name and labels."""

    def __init__(self, text):
        self.values = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            if not match:
                raise AssertionError(f"this is no sample: {line!r}")
            name, labels, value = match.groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            if key in self.values:
                raise AssertionError(f"this sample comes twice: {line!r}")
            self.values[key] = float(value)

    def get(self, name, **labels):
        return self.values[name, frozenset(labels.items())]

    def names(self):
        return {name for name, _ in self.values}

    def of_listener(self, listener):
        """All values of a listener that are not 0."""
        label = ("listener", listener)
        return [value for (_, labels), value in self.values.items() if label in labels and value]


def scrape(address, accept=None):
    return Samples(ask(address, accept=accept).text)
