"""What tests of the desk share: a few answers, and a desk that needs no model."""

from bertcourse.desk.answers import Entry, Guess, Reply, asked

ENTRIES = [
    Entry("password", "How do I reset my password?", "Open Settings, choose Account and press Reset.", "Manual 3"),
    Entry("hours", "When are you open?", "Monday to Friday from nine to five.", "House rules"),
    Entry("parcel", "Where is my parcel?", "The number in your e-mail tells.\nAsk us if it is <b>late</b>.", "Post"),
    Entry("markup", "What is <b>bold</b>?", "It is <img src=x> and <script>no</script> & more.", "<i>Page</i>"),
]
SURE = {"password": 0.95, "open": 0.8, "bold": 0.55}  # words that this desk knows, and how sure it is then


def reply(question, history=()):
    """A reply as of a desk: by a word of the question; what holds none of them is handed over."""
    question = asked(question)
    known = next((word for word in SURE if word in question.lower()), None)
    first = {"open": 1, "bold": 3}.get(known, 0)
    order = [ENTRIES[first], *(entry for entry in ENTRIES if entry is not ENTRIES[first])]
    guesses = tuple(Guess(entry, 0.9 - 0.1 * i, 0.9 - 0.1 * i, 2.0) for i, entry in enumerate(order))
    given = guesses[0].entry if known else None
    return Reply(
        question=question,
        history=tuple(history),
        answer=given and given.answer,
        entry=given and given.id,
        source=given and given.source,
        confidence=SURE.get(known, 0.2),
        guesses=guesses,
        handed_over=given is None,
        why="" if given else "no stored answer is likely enough to fit",
        searched=question,
        milliseconds=1.0,
    )
