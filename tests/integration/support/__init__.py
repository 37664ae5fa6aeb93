"""What the integration tests share: they drive the real binary and look at it from outside.

A test file starts daemons with `Daemon`, talks to them with the helpers of `network`, waits for
states with `wait_until`, and ends in `support.main()`. The standard library is all it needs.
"""

from .daemon import Daemon, LogLine
from .isolation import isolate
from .kernel_clock import KernelClock
from .namespace import Namespace, ip, wait_for_link
from .network import (
    answer_to,
    connect,
    exchange,
    free_port,
    is_served,
    parse_address,
    receive_exactly,
    receive_to_end,
    refusing_port,
    send_and_receive_all,
    send_until_stuck,
    shut_down_by_reset,
    udp_socket,
)
from .packets import forged_packet, raw_socket, send_forged
from .process import Result, run
from .runner import main
from .waiting import DEADLINE, wait_until

__all__ = [
    "DEADLINE",
    "Daemon",
    "KernelClock",
    "LogLine",
    "Namespace",
    "Result",
    "answer_to",
    "connect",
    "exchange",
    "forged_packet",
    "free_port",
    "ip",
    "is_served",
    "isolate",
    "main",
    "parse_address",
    "raw_socket",
    "receive_exactly",
    "receive_to_end",
    "refusing_port",
    "run",
    "send_and_receive_all",
    "send_forged",
    "send_until_stuck",
    "shut_down_by_reset",
    "udp_socket",
    "wait_for_link",
    "wait_until",
]
