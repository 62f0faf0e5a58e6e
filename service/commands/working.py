"""`ziggurat worker`."""

from __future__ import annotations

import logging
import signal
import sys
from time import sleep
from types import FrameType

from service.build_desk import BuildDesk
from service.command_errors import CommandRefused
from service.house import House
from service.logs import configure_logs

logger = logging.getLogger(__name__)

LOOKS_EVERY_S = 1.0
"""How often a worker that has room looks at the queue; replicas that serve do so less often."""

LEAVES_WITHIN_S = 0.2
"""How soon a signal is seen."""


def work_forever(house: House) -> None:
    """Build what is wanted until interrupted or terminated; what is not done then is left to others.

    Raises
    ------
    CommandRefused
        The settings leave it nothing to do.
    """
    settings = house.settings
    if not settings.builds_per_replica:
        raise CommandRefused(
            "ZIGGURAT_BUILDS_PER_REPLICA is 0: a worker builds nothing then; set it to 1 or more"
        )
    configure_logs(settings.log, settings.log_level, sys.stderr)
    signals: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> None:
        signals.append(number)  # nothing else is safe in the midst of whatever was interrupted

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, leave)
    desk = BuildDesk(house, looks_every_s=LOOKS_EVERY_S)
    logger.info("The worker builds what is wanted, %d at once.", settings.builds_per_replica)
    while not signals:
        sleep(LEAVES_WITHIN_S)
    logger.info("The worker leaves; what it has not finished is left to others.")
    desk.close()
    house.database.dispose()
