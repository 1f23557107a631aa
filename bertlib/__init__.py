"""bertlib: the tested library beneath the course. BERT written to be read, equal to transformers, and fast."""

from bertlib.config import BertConfig
from bertlib.encoder import BertModel
from bertlib.heads import BertForSequenceClassification

__all__ = ["BertConfig", "BertForSequenceClassification", "BertModel"]
__version__ = "0.1.0"
