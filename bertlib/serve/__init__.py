"""A model in service: exported, served, watched."""
