"""The full profile rehearsed without network: `make full-rehearsal` runs lessons 05, 05b, 07 and 08.

The real clients load from the small hub (tests/small_hub.py): AG News in a sample, WikiText-103 and CoNLL-2003 in
stand-ins made of BBC News, and MiniLM in the place of bert-base-uncased. Few rows, so figures need not lie in their
bands; every cell must run. Needs no GPU; takes some minutes on two cores.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from small_hub import STANDIN, environment, serve, stand_ins

ROOT = Path(__file__).resolve().parents[1]
RUN = """
import sys
from pathlib import Path
from bertcourse.run import run_course
sys.exit(run_course(build=Path("build/rehearsal"), only=sys.argv[1:]))
"""


def main(lessons: list[str]) -> int:
    """Run the lessons of these numbers; returns 0 if all went through."""
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), *stand_ins(Path(folder))) as endpoint:
        own = environment(
            endpoint,
            Path(folder) / "home",
            BERT_COURSE_PROFILE="full",
            BERT_COURSE_ENCODER=STANDIN,
            BERT_COURSE_REHEARSAL=os.environ.get("BERT_COURSE_REHEARSAL", "500"),
        )
        return subprocess.run([sys.executable, "-c", RUN, *lessons], cwd=ROOT, env=own).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["05", "05b", "07", "08"]))
