"""From text to tensors: sentences, word pieces, masks, pairs, windows, batches."""
