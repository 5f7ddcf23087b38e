"""The process that enqueues for one contender, in that contender's own environment.

`python -m bench.jobs.producer MODULE` imports the contender's module and does what each line of its input asks:
`fill LABEL COUNT` enqueues and answers with the seconds it took; `stamp LABEL` enqueues one job and answers with the
moment from which its wait counts.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module


def main(module: str) -> None:
    """Answer line by line until the input ends."""
    contender = import_module(module)
    for line in sys.stdin:
        match line.split():
            case ["fill", label, count]:
                began = time.perf_counter()
                contender.FILL[label](int(count))
                answer = str(time.perf_counter() - began)
            case ["stamp", label]:
                answer = str(contender.STAMP[label]())
            case _:
                raise ValueError(f"cannot read {line!r}")
        print(answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
