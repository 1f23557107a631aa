"""In a worker's place: answers each text with itself and the size of its batch; "sleep 0.5" takes its time, "die" ends
it. What it was given is appended to the file SEEN, if that is set.
"""

import json
import os
import sys
import time

print(json.dumps({"kind": "classify"}), flush=True)
for line in sys.stdin:
    jobs = json.loads(line)
    texts = [text for job in jobs for text in job]
    if "SEEN" in os.environ:
        with open(os.environ["SEEN"], "a", encoding="utf-8") as out:
            out.writelines(f"{text}\n" for text in texts)
    for text in texts:
        if text.startswith("sleep "):
            time.sleep(float(text.split()[1]))
        if text == "die":
            sys.exit(1)
    own = {"score": len(texts), "process": os.getpid()}
    print(json.dumps([{"results": [{"label": text} | own for text in job]} for job in jobs]), flush=True)
