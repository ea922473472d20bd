"""``python -m tests.operations.replay`` writes ``golden.txt`` anew, if what came of it is what the rules say.

Look at the difference before you keep it.
"""

import os

import pytest

os.environ["REPLAY_WRITES"] = "1"
raise SystemExit(pytest.main(["tests/operations/test_replay.py", "-q", "-k", "golden"]))
