"""Diagrams of what a lesson has in its hands: a config, ids, a mask, spans, a table of losses.

Each function takes such objects and gives a `Drawing`; its `show` puts it into the notebook. Change the object, run the
cell again, and the diagram changes with it.
"""
