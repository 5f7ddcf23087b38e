"""What every other room of the house may use, and what knows none of them."""

from __future__ import annotations

import gc

# Nearly all that a process makes while it loads is there to stay: with Python's own threshold of 700, looking for
# garbage among it takes a seventh of the start, and of every job a twelfth. What is left behind in circles is found a
# little later.
gc.set_threshold(50_000, 20, 20)
