"""The encoder and its heads: what BERT is."""
