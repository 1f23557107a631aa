"""The caller's data is changed in place."""


def masks_in_place(batch):
    batch["input_ids"][batch["attention_mask"] == 1] = 4  # wrong: a view of what the caller still holds
    return batch


def pads_in_place(sequences, pad_token_id):
    longest = max(len(sequence) for sequence in sequences)
    for sequence in sequences:
        sequence.extend([pad_token_id] * (longest - len(sequence)))  # wrong: the caller's own lists grow
    return sequences
