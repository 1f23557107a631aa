"""Labels that do not mean what they say, and answers in another order than the questions."""

from torch.nn import functional as F

from bertlib.text.batching import encode_texts, length_buckets, pad_batch


def counts_from_one(logits, labels):
    return F.cross_entropy(logits, (labels - 1) % logits.size(-1))  # wrong: ids count from 0


def ignores_class_zero(logits, labels):
    return F.cross_entropy(logits, labels, ignore_index=0)  # wrong: class 0 is a class, not padding


def probabilities_as_logits(logits, labels):
    """Many a tutorial: the model ends with a softmax, and cross_entropy takes another one."""
    return F.cross_entropy(logits.softmax(-1), labels)  # wrong: can never come near 0


def mean_of_batches(gold, predicted, batch_size=4):
    """Accuracy as many fine-tuning tutorials print it: the mean of the batches', of which the last is smaller."""
    shares = []
    for start in range(0, len(gold), batch_size):
        pairs = list(zip(gold[start : start + batch_size], predicted[start : start + batch_size], strict=True))
        shares.append(sum(g == p for g, p in pairs) / len(pairs))
    return sum(shares) / len(shares)  # wrong: the last texts weigh more


def answers_by_length(classifier):
    """A predict that forgets to undo the sorting by length."""

    def predict(texts):
        sequences = encode_texts(classifier.tokenizer, texts, classifier.max_length)
        answers = []
        for batch in length_buckets([len(sequence) for sequence in sequences], 4):
            probabilities = classifier.model(*pad_batch([sequences[i] for i in batch], 0)).logits.softmax(-1)
            answers += [{"label": classifier.labels[p.argmax()], "score": p.max().item()} for p in probabilities]
        return answers  # wrong: in bucket order

    return predict
