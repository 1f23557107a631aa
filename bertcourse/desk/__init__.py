"""A support desk: stored answers, a probability that one is right, a queue for a person, and a page: lesson 13."""
