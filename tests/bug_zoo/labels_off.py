"""Labels that do not mean what they say, and answers in another order than the questions."""

from torch.nn import functional as F

from bertlib.batching import encode_texts, length_buckets, pad_batch


def counts_from_one(logits, labels):
    return F.cross_entropy(logits, (labels - 1) % logits.size(-1))  # wrong: ids count from 0


def ignores_class_zero(logits, labels):
    return F.cross_entropy(logits, labels, ignore_index=0)  # wrong: class 0 is a class, not padding


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
