"""A process that runs one job after the other: ``python -m bioplaus.sweeping.worker``.

Jobs come in on standard input, a line of JSON each; progress and results go out the same way. It ends when its input does.
"""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

from bioplaus.children import end_with_parent
from bioplaus.errors import BioplausError
from bioplaus.sweeping.job import Job, run_job

__all__ = ["main"]


def main() -> int:
    """Work until the input ends."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    end_with_parent(lines.put)
    try:
        while True:
            found = run_job(Job.of(json.loads(lines.get())), lambda share: _say({"share": share}))
            _say({"result": found})
    except KeyboardInterrupt:
        return 130
    except BioplausError as error:
        print(f"bioplaus: {error}", file=sys.stderr, flush=True)
        return error.exit_code


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
