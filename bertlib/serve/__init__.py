"""A tuned model as a service: a graph that runs without torch, int8, and the addresses that answer."""
