"""The course: its lessons run, checked, drawn and graded, on `bertlib`."""
