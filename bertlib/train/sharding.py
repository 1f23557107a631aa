"""Weights shared out over processes, for models that one device cannot hold with their gradients and moments.

Every process keeps a part of each weight, of its gradient and of AdamW's moments, and sees a whole layer only while it
computes with it (ZeRO stage 3; Rajbhandari et al., 2020, §5; here torch's `fully_shard`, "FSDP 2").
"""

import copy
import os
from collections.abc import Mapping

import torch
from torch import Tensor, nn

Moments = Mapping[str, Mapping[str, Tensor]]  # parameter's name -> what the optimizer remembers of it


def sharding_wanted() -> bool:
    """Whether `accelerate launch --use_fsdp` started this process."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false").lower() in ("1", "true", "yes")


def shard(model: nn.Module) -> nn.Module:
    """A copy of the model of which each of the joined processes holds a part; the model itself moves to the CPU.

    Each of the encoder's layers is gathered when it is needed and let go again. Gradients are averaged over processes.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    device = next(model.parameters()).device
    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    sharded = copy.deepcopy(model)
    model.to("cpu")
    for layer in sharded.bert.layers:
        fully_shard(layer, mesh=mesh)
    return fully_shard(sharded, mesh=mesh)


def whole(tensor: Tensor) -> Tensor:
    """The whole of a tensor that is shared out (all processes must ask for it together); any other as it is."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def let_go(model: nn.Module) -> None:
    """Have every process drop what it gathered for a computation, so that `parameters()` are the optimizer's again."""
    for module in model.modules():
        if hasattr(module, "reshard"):
            module.reshard()


@torch.no_grad()
def gather(sharded: nn.Module, model: nn.Module) -> None:
    """Copy the weights of a sharded model into the model that it was made from; all processes together."""
    let_go(sharded)
    for mine, part in zip(model.parameters(), sharded.parameters(), strict=True):
        mine.copy_(whole(part))


def optimizer_moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> Moments:
    """What an optimizer remembers of each parameter, whole and on the CPU; all processes together.

    Of a sharded model only process 0 gets it.
    """
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict  # takes a second

    let_go(model)
    whole_on_cpu = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return get_optimizer_state_dict(model, optimizer, options=whole_on_cpu).get("state", {})


def restore_moments(model: nn.Module, optimizer: torch.optim.Optimizer, moments: Moments) -> None:
    """Give an optimizer back what `optimizer_moments` took, on this or another number of processes."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_optimizer_state_dict

    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = [group | {"params": [names[p] for p in group["params"]]} for group in optimizer.param_groups]
    state = {name: moments[name] for group in groups for name in group["params"] if name in moments}
    options = StateDictOptions(full_state_dict=True)
    set_optimizer_state_dict(model, optimizer, {"state": state, "param_groups": groups}, options=options)
