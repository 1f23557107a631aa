"""A warning: the dialogues on technical support in chatterbot-corpus, ten pairs that fill 1,050 rows (lesson 13)."""

import re

from bertcourse.data.archives import read_member

MEMBER = "chatterbot_corpus/data/english/tech_support.yml"


def load_tech_support() -> list[tuple[str, str]]:
    """All rows in the file's order: what is said, and the answer. Raises what `archives.read_member` raises."""
    text = read_member("chatterbot-corpus", MEMBER).decode("utf-8")
    return re.findall(r"^- - (.*)\n  - (.*)$", text, flags=re.MULTILINE)
