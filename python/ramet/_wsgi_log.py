"""What WSGIServer takes for a log: something with write(), a logger, or nothing."""
import sys


class LoggingLogAdapter:
    """LoggingLogAdapter(logger, level=20): a logger with write(), for the arguments log and error_log."""
    __slots__ = ('_logger', '_level')

    def __init__(self, logger, level=20):
        self._logger = logger
        self._level = level

    def write(self, msg):
        """Log the text."""
        if msg and msg.endswith('\n'):
            msg = msg[:-1]
        self._logger.log(self._level, msg)

    def flush(self):
        """There is nothing to flush."""

    def writelines(self, lines):
        """Log each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._logger, name)

    def __setattr__(self, name, value):
        if name in LoggingLogAdapter.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self._logger, name, value)

    def __delattr__(self, name):
        delattr(self._logger, name)


class NoopLog:
    """The log that None means."""

    def write(self, *args, **kwargs):
        """Nothing."""

    flush = writelines = write


def log_of(log, level):
    """What the argument `log` means."""
    if log == 'default':
        return sys.stderr
    if log is None:
        return NoopLog()
    return log if hasattr(log, 'write') else LoggingLogAdapter(log, level)
