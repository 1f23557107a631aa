"""One job a file: pretrain, classify, match, tag, answer."""
