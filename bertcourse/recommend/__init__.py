"""Recommending films: three protocols, the methods that stand beside a sequence model, and a command."""
