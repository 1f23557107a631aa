"""Assignments for a class: built, shut in, graded."""
