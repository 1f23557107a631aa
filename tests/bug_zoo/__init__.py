"""Bugs that well-known BERT code really shipped, each in a few lines of our own. Wrong on purpose: see test_bug_zoo."""
