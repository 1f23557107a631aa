"""Texts that are cut where they must not be."""


def cuts_off_the_sep(ids, max_length):
    """Many a tutorial: the closing [SEP] goes with the rest."""
    return ids[:max_length]  # wrong
