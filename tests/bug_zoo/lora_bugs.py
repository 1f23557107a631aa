"""Adapters that others got wrong; the issues stand beside each."""

import json

import safetensors.torch
import torch
from torch import nn

from bertlib.model.adapters import LoRALinear, adapters_of, load_adapters, merge, put_on, save_adapters
from bertlib.model.weights import save_model


class IgnoresAlpha(LoRALinear):
    """peft 2489, cloneofsimo/lora 187: what is learned with α / r = 3 is applied with 1. With α = r nobody sees it."""

    @property
    def scaled_B(self):
        return self.lora_B  # wrong


class StartsSomewhere(LoRALinear):
    """Both matrices random: training begins with a damaged encoder."""

    def __init__(self, linear, lora):
        super().__init__(linear, lora)
        nn.init.normal_(self.lora_B)  # wrong


class DropsInUse(LoRALinear):
    def forward(self, hidden):
        self.training = True  # wrong
        return super().forward(hidden)


@torch.no_grad()
def merges_twice(model):
    """LoRA-Torch 10, minimind 598: the product goes into W, and is added beside it as before: W + 2BA."""
    for layer in adapters_of(model).values():
        layer.weight += layer.scaled_B @ layer.lora_A  # wrong


def freezes_nothing(model, lora):
    """The optimizer is given model.parameters(): the encoder, which no folder of adapters holds, is trained along."""
    put_on(model, lora)
    model.requires_grad_(True)  # wrong


def freezes_the_head(model, lora):
    put_on(model, lora)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = ".lora_" in name  # wrong


def saves_no_head(model, folder):
    """peft 310 and 577: modules_to_save was the result of list.append, None; a fresh head comes back."""
    save_adapters(model, folder)
    path, tensors = folder / "adapter_config.json", folder / "adapter_model.safetensors"
    values = json.loads(path.read_text(encoding="utf-8")) | {"task_type": None}
    values["modules_to_save"] = [].append("classifier")  # wrong
    path.write_text(json.dumps(values), encoding="utf-8")
    kept = {name: tensor for name, tensor in safetensors.torch.load_file(tensors).items() if ".lora_" in name}
    safetensors.torch.save_file(kept, tensors)


def saves_after_merging(model, folder):
    """candle-lora 26: the model is written merged, its adapters stay beside it, and transformers adds them again."""
    save_adapters(model, folder)
    beside = [folder / name for name in ("adapter_config.json", "adapter_model.safetensors")]
    kept = {path: path.read_bytes() for path in beside}
    merge(model)
    save_model(model, folder)
    for path, content in kept.items():
        path.write_bytes(content)  # wrong


def opens_any_encoder(head, stored, folder):
    """Shapes fit, weights do not: nothing is said, and the answers are wrong."""
    path = folder / "bertlib.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["encoder_digest"]  # wrong
    path.write_text(json.dumps(values), encoding="utf-8")
    return load_adapters(head, stored, folder)
