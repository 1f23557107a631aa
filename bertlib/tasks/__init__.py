"""One job a file: pretrain, classify, tag."""
