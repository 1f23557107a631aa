"""The output projection is made inside forward: new weights at every call, never trained, never saved."""

from torch import nn


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.value = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden):
        mixed = self.value(hidden).mean(1, keepdim=True).expand_as(hidden)
        return nn.Linear(hidden.size(-1), hidden.size(-1))(mixed)  # wrong: belongs into __init__
