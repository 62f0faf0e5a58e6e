"""The log of a process that serves: one line of JSON or of text for whatever anyone in it logs."""

from __future__ import annotations

import logging
from typing import Literal, TextIO

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from service.redaction import redact

LogForm = Literal["text", "json"]

OURS = ("service", "catalog", "raster", "uvicorn")
"""Loggers that heed the level; of libraries warnings are enough."""

ANSWERED = "Exception in ASGI application"
"""What uvicorn says of a defect that is answered by then, and in the log."""


def configure_logs(form: LogForm | None, level: str, stream: TextIO) -> None:
    """Send all logs of this process to `stream`.

    Parameters
    ----------
    form : text, json or None
        None: text on a terminal, else JSON.
    level : str
        The lowest level that is logged, e.g. `info`.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form or ("text" if stream.isatty() else "json"), stream))
    handler.addFilter(_is_news)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _formatter(form: LogForm, stream: TextIO) -> ProcessorFormatter:
    described: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_log_level,
        add_logger_name,
        ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[Processor] = [
        ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _clean,
        _renderer(form, stream),
    ]
    return ProcessorFormatter(foreign_pre_chain=described, processors=rendered)


def _renderer(form: LogForm, stream: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        # the default one shows variables, and secrets with them
        exception_formatter=structlog.dev.plain_traceback,
    )


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Without secrets, and without uvicorn's copy of its message in colours."""
    return {key: redact(value) for key, value in event.items() if key != "color_message"}


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it is not in the log yet."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, Exception) and record.getMessage().startswith(ANSWERED))
