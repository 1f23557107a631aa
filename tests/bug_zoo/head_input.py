"""Classification heads that read something other than the pooled [CLS]."""

from bertlib.model.heads import BertForSequenceClassification, ClassifierOutput


class ReadsAllTokens(BertForSequenceClassification):
    def forward(self, input_ids, attention_mask=None):
        states = self.bert(input_ids, attention_mask).last_hidden_state
        return ClassifierOutput(self.classifier(states.mean(1)))  # wrong: every token, padding included


class SkipsThePooler(BertForSequenceClassification):
    def forward(self, input_ids, attention_mask=None):
        states = self.bert(input_ids, attention_mask).last_hidden_state
        return ClassifierOutput(self.classifier(states[:, 0]))  # wrong: [CLS], but not pooled
