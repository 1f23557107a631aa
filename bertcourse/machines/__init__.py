"""Small machines: a thing of the lesson to move, in the page, without a kernel and without a network.

Each function takes objects of the lesson and gives a `Machine`; its `show` puts it into the notebook. A machine asks
one question and says when moving it has answered that. Its arithmetic is a function in its script, which a test
compares with the library's.
"""
