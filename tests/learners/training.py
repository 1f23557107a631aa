"""Answers to the checks on training."""

from . import Answer

GENERIC = ("every one of its arguments", "never uses", "changes nothing")


def schedule(lines, named, *never):
    code = f"def answer(step, warmup_steps, total_steps, peak):\n{lines}"
    return Answer("training.schedule", code, named, (*GENERIC, *never))


def one_line(expression, named, *never):
    return schedule(f"    return {expression}", named, *never)


def two_parts(up, down, named, *never):
    return schedule(f"    if step < warmup_steps:\n        return {up}\n    return {down}", named, *never)


def accumulate(expression, named, *never):
    return Answer("training.accumulate", f"def answer(losses): return {expression}", named, (*GENERIC, *never))


def clip(lines, named, *never):
    code = f"def answer(gradients, max_norm):\n{lines}"
    return Answer("training.clip", code, named, (*GENERIC, *never))


def clip_by(norm, scale, named, *never):
    return clip(f"    norm = {norm}\n    return [g * {scale} for g in gradients]", named, *never)


def decay(expression, named, *never):
    return Answer("training.decay", f"def answer(shapes): return {expression}", named, (*GENERIC, *never))


def adamw(change, to, named, *never):
    code = """
def answer(weight, gradients, rate, decay):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        weight = weight - rate * (m_hat / (math.sqrt(v_hat) + 1e-6) + decay * weight)
    return weight
"""
    assert change in code
    return Answer("training.adamw", code.replace(change, to), named, (*GENERIC, *never))


def percent(expression, named, *never):
    return Answer("training.percent", f"def answer(right, total): return {expression}", named, (*GENERIC, *never))


def best_epoch(expression, named, *never):
    return Answer("training.best_epoch", f"def answer(validation, test): return {expression}", named, never)


def faults(expression, named, *never):
    return Answer("training.faults", f"answer = {expression}", named, never)


def updates(expression, named, *never):
    return Answer("training.updates", f"answer = {expression}", named, never)


def step(lines, named, *never):
    return Answer("training.step", f"def answer(weights, tokens, rate):\n{lines}", named, (*GENERIC, *never))


def step_by(gradient, named, *never):
    shares = "    f = torch.bincount(tokens, minlength=len(weights)) / len(tokens)"
    return step(f"{shares}\n    return weights - rate * ({gradient})", named, *never)


def backward(change, to, named, *never):
    lines = """
    w = weights.detach().clone().requires_grad_()
    loss = F.cross_entropy(w.expand(len(tokens), -1), tokens)
    loss.backward()
    return w - rate * w.grad
"""
    assert change in lines
    return step(lines.replace(change, to), named, *never)


def train(change, to, named, *never):
    code = """
from bertlib.train.optimizer import linear_schedule, parameter_groups


def answer(model, batches, peak, warmup_steps):
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.01), lr=peak, betas=(0.9, 0.999), eps=1e-6)
    losses = []
    for step, batch in enumerate(batches):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = peak * linear_schedule(step, warmup_steps=warmup_steps, total_steps=len(batches))
        optimizer.step()
        losses.append(loss.item())
    return losses
"""
    assert change in code
    return Answer("training.train", code.replace(change, to), named, (*GENERIC, *never))


NORM = "math.sqrt(sum(float((g**2).sum()) for g in gradients))"

ANSWERS = [
    # ------------------------------------------------------------------------------------------------------- schedule
    two_parts(
        "peak * step / warmup_steps", "peak * max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))", None
    ),
    one_line(
        "float(np.interp(step, [0, warmup_steps, total_steps], [0.0 if warmup_steps else peak, peak, 0.0]))", None
    ),
    schedule(
        """
    rates = [peak * n / warmup_steps for n in range(warmup_steps)]
    rates += [peak * (total_steps - n) / (total_steps - warmup_steps) for n in range(warmup_steps, total_steps)]
    return rates[step] if step < len(rates) else 0""",
        None,
    ),
    schedule(
        """
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    def share(n):
        return n / warmup_steps if n < warmup_steps else max(0, total_steps - n) / max(1, total_steps - warmup_steps)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    for _ in range(step):
        optimizer.step()
        scheduler.step()
    return scheduler.get_last_lr()[0]""",
        None,
    ),
    schedule(
        """
    if step <= warmup_steps and warmup_steps > 0:
        return torch.tensor(peak * step / warmup_steps, dtype=torch.float64)
    rate = peak * (total_steps - step) / max(total_steps - warmup_steps, 1)
    return torch.tensor(rate, dtype=torch.float64).clamp(min=0)""",
        None,
    ),
    two_parts(
        "peak * step / warmup_steps", "peak * (total_steps - step) / max(1, total_steps - warmup_steps)", "negative"
    ),
    two_parts(
        "peak * step / warmup_steps",
        "max(0.0, peak * (total_steps - step) / (total_steps - warmup_steps))",
        "from total_steps on",
        "count begin at 0",
    ),
    two_parts(
        "peak * step / warmup_steps",
        "peak * max(0, total_steps - step) / total_steps",
        "begins at peak",
        "there is no warm-up",
    ),
    two_parts("peak * step / warmup_steps", "peak", "falls to 0"),
    two_parts("peak", "peak * max(0, total_steps - step) / max(1, total_steps - warmup_steps)", "constant"),
    two_parts(
        "peak * (step + 1) / warmup_steps",
        "peak * max(0, total_steps - step) / max(1, total_steps - warmup_steps)",
        "the first rate is 0",
    ),
    two_parts(
        "step / warmup_steps", "max(0, total_steps - step) / max(1, total_steps - warmup_steps)", "multiplied by peak"
    ),
    two_parts(
        "peak * step / total_steps",
        "peak * max(0, total_steps - step) / max(1, total_steps - warmup_steps)",
        "divide by warmup_steps",
    ),
    two_parts(
        "peak * step / warmup_steps",
        "peak * max(0, 1 - step / max(1, total_steps - warmup_steps))",
        "counted from the end of the warm-up",
    ),
    two_parts(
        "peak * step / warmup_steps",
        "peak * 0.5 * (1 + math.cos(math.pi * min(1, (step - warmup_steps) / max(1, total_steps - warmup_steps))))",
        "cosine",
    ),
    two_parts(
        "peak * step / warmup_steps",
        "peak * max(0, step - warmup_steps) / max(1, total_steps - warmup_steps)",
        "climbs again",
    ),
    one_line("peak * max(0, total_steps - step) / total_steps", "no warm-up"),
    one_line(
        "peak * min(step / max(1, warmup_steps), max(0, total_steps - step) / max(1, total_steps - warmup_steps))",
        "without warm-up",
    ),
    one_line("peak * min(1, step / warmup_steps)", "falls to 0"),
    one_line("peak * step / warmup_steps", "climbs on"),
    # ----------------------------------------------------------------------------------------------------- accumulate
    accumulate("torch.cat(losses).mean()", None),
    accumulate("sum(map(torch.sum, losses)) / sum(map(len, losses))", None),
    accumulate("torch.stack([x for loss in losses for x in loss]).sum() / sum(loss.numel() for loss in losses)", None),
    Answer(
        "training.accumulate",
        """
def answer(losses):
    count = sum(len(loss) for loss in losses)
    total = torch.tensor(0.0)
    for loss in losses:
        total += (loss / count).sum()
    return total
""",
        None,
    ),
    accumulate("sum(loss.mean() * len(loss) for loss in losses) / sum(len(loss) for loss in losses)", None),
    accumulate("sum(loss.sum().item() for loss in losses) / sum(len(loss) for loss in losses)", "no gradient"),
    accumulate("torch.cat(losses).detach().mean()", "no gradient"),
    accumulate("torch.tensor([x for loss in losses for x in loss.tolist()]).mean()", "no gradient"),
    accumulate("np.concatenate([loss.numpy() for loss in losses]).mean()", "gradient off"),
    accumulate(
        "(sum(loss.sum().item() for loss in losses[:-1]) + losses[-1].sum()) / sum(len(loss) for loss in losses)",
        "gradient",
    ),
    accumulate("sum(loss.mean() for loss in losses) / len(losses)", "mean of means"),
    accumulate("torch.stack([loss.mean() for loss in losses]).mean()", "mean of means"),
    accumulate("sum(loss.mean() for loss in losses)", "number of tokens"),
    accumulate("sum(loss.sum() for loss in losses)", "number of tokens"),
    accumulate("sum(loss.sum() for loss in losses) / len(losses)", "not by that of batches"),
    accumulate("losses[-1].mean()", "only the last"),
    accumulate("losses[0].mean()", "only the first"),
    accumulate("[loss.mean() for loss in losses]", "for each micro-batch"),
    accumulate("torch.cat(losses)", "losses of all tokens"),
    accumulate("torch.cat(losses).median()", ""),
    # ----------------------------------------------------------------------------------------------------------- clip
    clip_by(NORM, "min(1.0, max_norm / norm)", None),
    clip_by("torch.cat([g.flatten() for g in gradients]).norm()", "(max_norm / (norm + 1e-6)).clamp(max=1.0)", None),
    clip_by("torch.stack([g.norm() for g in gradients]).norm()", "(max_norm / norm if norm > max_norm else 1)", None),
    clip_by("np.sqrt(sum((g.numpy() ** 2).sum() for g in gradients))", "min(1, float(max_norm / norm))", None),
    clip(
        """
    norm = torch.cat([g.reshape(-1) for g in gradients]).norm()
    if norm > max_norm:
        for g in gradients:
            g *= max_norm / norm
    return gradients""",
        None,
    ),
    clip(
        """
    norm = sum(g.pow(2).sum() for g in gradients) ** 0.5
    if norm > max_norm:
        for g in gradients:
            g.mul_(max_norm / norm)""",
        None,
    ),
    clip(
        """
    norm = torch.sqrt(sum((g * g).sum() for g in gradients))
    for n in range(len(gradients)):
        gradients[n] = gradients[n] * min(1, max_norm / norm)
    return norm""",
        None,
    ),
    clip(
        """
    parameters = []
    for g in gradients:
        parameters.append(nn.Parameter(torch.zeros_like(g)))
        parameters[-1].grad = g
    return nn.utils.clip_grad_norm_(parameters, max_norm)""",
        None,
    ),
    clip(
        """
    norm = sum(x**2 for g in gradients for x in g.flatten().tolist()) ** 0.5
    return tuple((g.double() * min(1, max_norm / norm)).numpy() for g in gradients)""",
        None,
    ),
    clip("    norm = " + NORM + "\n    gradients = [g * min(1, max_norm / norm) for g in gradients]", "returned none"),
    clip("    return [g * min(1.0, max_norm / float(g.norm())) for g in gradients]", "all gradients together"),
    clip("    for g in gradients:\n        g *= min(1.0, max_norm / float(g.norm()))", "all gradients together"),
    clip("    return [g.clamp(-max_norm, max_norm) for g in gradients]", "each number on its own"),
    clip("    return [g.clamp(max=max_norm) for g in gradients]", "each number on its own"),
    clip_by(NORM, "max_norm / norm", "stay as they are"),
    clip_by("max(float(g.abs().max()) for g in gradients)", "min(1, max_norm / norm)", "largest number"),
    clip_by("sum(float(g.norm()) for g in gradients)", "min(1, max_norm / norm)", "squares do"),
    clip_by("sum(float((g**2).sum()) for g in gradients)", "min(1, max_norm / norm)", "root"),
    clip_by("sum(float(g.abs().sum()) for g in gradients)", "min(1, max_norm / norm)", "squares"),
    clip_by("math.sqrt(sum(float((g**2).mean()) for g in gradients))", "min(1, max_norm / norm)", "not their mean"),
    clip_by("max(float(g.norm()) for g in gradients)", "min(1, max_norm / norm)", "largest tensor"),
    clip_by(NORM, "min(1, norm / max_norm)", "upside down"),
    clip_by(NORM, "min(1, 1 / norm)", "max_norm"),
    clip("    norm = " + NORM + "\n    return [g / norm if norm > max_norm else g for g in gradients]", "max_norm"),
    clip("    norm = " + NORM + "\n    return norm", "expected"),
    clip("    norm = " + NORM + "\n    [g * min(1, max_norm / norm) for g in gradients]", "returned none"),
    clip("    return gradients", "nothing is clipped"),
    # ---------------------------------------------------------------------------------------------------------- decay
    decay("sorted(n for n, shape in shapes.items() if len(shape) > 1)", None),
    decay("sorted(n for n in shapes if 'bias' not in n and 'norm' not in n.lower())", None),
    decay("sorted(n for n in shapes if n.split('.')[-1] != 'bias' and not re.search('norm', n, re.I))", None),
    decay(
        "tuple(sorted(set(shapes) - {n for n in shapes if n.endswith('bias') or n.lower().endswith('norm.weight')}))",
        None,
    ),
    decay("sorted(filter(lambda n: n[-4:] != 'bias' and not ('norm' in n or 'Norm' in n), shapes.keys()))", None),
    decay("np.array(sorted(n for n in shapes if len(shapes[n]) == 2)).tolist()", None),
    decay("sorted(shapes)", "do not decay"),
    decay("sorted(n for n in shapes if not n.endswith('bias'))", "gains"),
    decay("sorted(n for n in shapes if 'norm' not in n.lower())", "biases do not"),
    decay("sorted(n for n in shapes if not n.endswith('bias') and 'LayerNorm' not in n)", "another name"),
    decay("sorted(n for n in shapes if not n.endswith('bias') and 'norm' not in n)", "capital"),
    decay("sorted(n for n in shapes if n.endswith('bias') or 'norm' in n.lower())", "ones that do not"),
    decay("sorted(n for n, s in shapes.items() if len(s) > 1 and 'embed' not in n)", "tables of embeddings"),
    decay("[n for n in shapes if not n.endswith('bias') and 'norm' not in n.lower()]", "not sorted"),
    decay("sorted((n for n in shapes if not n.endswith('bias') and 'norm' not in n.lower()), key=len)", ""),
    decay("sorted(n for n in shapes if n.endswith('weight'))", "gains"),
    decay("sorted(n for n in shapes if len(shapes[n]) == 1)", "ones that do not"),
    decay("{n for n in shapes if not n.endswith('bias') and 'norm' not in n.lower()}", "expected a list"),
    decay("torch.tensor(len([n for n in shapes if not n.endswith('bias')]))", "expected a list"),
    decay("sum(1 for n in shapes if not n.endswith('bias') and 'norm' not in n.lower())", "expected a list"),
    decay("sorted(n for n in shapes if 'layers' in n and len(shapes[n]) > 1)", ""),
    # ---------------------------------------------------------------------------------------------------------- adamw
    adamw("g**2", "g * g", None),
    adamw("return weight", "return torch.tensor(weight)", None),
    adamw("m = v = 0.0", "weight = np.float64(weight); m = v = np.zeros(())", None),
    Answer(
        "training.adamw",
        """
def answer(weight, gradients, rate, decay):
    w = nn.Parameter(torch.tensor(weight))
    optimizer = torch.optim.AdamW([w], lr=rate, betas=(0.9, 0.999), eps=1e-6, weight_decay=decay)
    for g in gradients:
        w.grad = torch.tensor(g)
        optimizer.step()
    return w
""",
        None,
    ),
    Answer(
        "training.adamw",
        """
class AdamW:
    def __init__(self, rate, decay):
        self.rate, self.decay, self.m, self.v, self.t = rate, decay, 0, 0, 0

    def step(self, w, g):
        self.t += 1
        self.m += (1 - 0.9) * (g - self.m)
        self.v += (1 - 0.999) * (g * g - self.v)
        root = (self.v / (1 - 0.999**self.t)) ** 0.5
        return w * (1 - self.rate * self.decay) - self.rate * self.m / (1 - 0.9**self.t) / (root + 1e-6)


def answer(weight, gradients, rate, decay):
    optimizer = AdamW(rate, decay)
    for g in gradients:
        weight = optimizer.step(weight, g)
    return weight
""",
        None,
    ),
    adamw("m = 0.9", "g = g + decay * weight; m = 0.9", "enters twice", "decoupled"),  # decays twice
    Answer(
        "training.adamw",
        """
def answer(weight, gradients, rate, decay):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        g = g + decay * weight
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        weight -= rate * m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-6)
    return weight
""",
        "decoupled",
    ),
    Answer(
        "training.adamw",
        """
def answer(weight, gradients, rate, decay):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        weight -= rate * m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-6)
        weight -= rate * decay * weight
    return weight
""",
        "as it was before the step",
    ),
    adamw("m / (1 - 0.9**t), v / (1 - 0.999**t)", "m, v", "begin at 0"),
    adamw("m / (1 - 0.9**t)", "m", "first moment"),
    adamw("v / (1 - 0.999**t)", "v", "second moment"),
    adamw("m / (1 - 0.9**t), v / (1 - 0.999**t)", "m / (1 - 0.9)**t, v / (1 - 0.999)**t", "power of β"),
    adamw(
        "rate * (m_hat / (math.sqrt(v_hat) + 1e-6) + decay * weight)",
        "rate * m_hat / (math.sqrt(v_hat) + 1e-6) - decay * weight",
        "multiplied by the learning rate",
    ),
    adamw(" + decay * weight)", ")", "does not decay"),
    adamw("+ decay * weight", "- decay * weight", "grow"),
    adamw("1e-6", "1e-8", "1e-8"),
    adamw("math.sqrt(v_hat) + 1e-6", "math.sqrt(v_hat + 1e-6)", "outside the root"),
    adamw("math.sqrt(v_hat) + 1e-6", "v_hat + 1e-6", "root"),
    adamw("0.999 * v + 0.001 * g**2", "0.99 * v + 0.01 * g**2", "β"),
    adamw("m = 0.9 * m + 0.1 * g", "m = 0.1 * m + 0.9 * g", "exchanged"),
    adamw("m = 0.9 * m + 0.1 * g", "m = 0.9 * m + g", "1 − β"),
    adamw("0.001 * g**2", "0.001 * g", "squares"),
    adamw("m = 0.9 * m + 0.1 * g", "m = g", "mean of the gradients"),
    adamw(
        "m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)",
        "m, v = m / (1 - 0.9**t), v / (1 - 0.999**t); m_hat, v_hat = m, v",
        "keep the moments",
    ),
    adamw(
        "    for t, g in enumerate(gradients, start=1):\n",
        "    for t, g in enumerate(gradients, start=1):\n        m = v = 0.0\n",
        "go on",
    ),
    adamw("enumerate(gradients, start=1)", "enumerate(gradients)", "begin at 0 that should begin at 1"),
    adamw("enumerate(gradients, start=1)", "enumerate(gradients, start=2)", "from 1"),
    adamw("weight - rate * (m_hat", "weight + rate * (m_hat", "uphill", "plain"),
    adamw(
        "        weight = weight - rate * (m_hat / (math.sqrt(v_hat) + 1e-6) + decay * weight)",
        "        weight = weight - rate * (g + decay * weight)",
        "plain gradient descent",
    ),
    adamw("    return weight", "        return weight", "first gradient"),
    # -------------------------------------------------------------------------------------------------------- percent
    percent("f'{right / total:.2%}'", None),
    percent("'%.2f%%' % (right / total * 100)", None),
    percent("'{:.2f}'.format(100 * right / total) + '%'", None),
    percent("str(np.char.mod('%.2f', 100 * right / total)) + '%'", None),
    percent("format(right / total, '.2%')", None),
    percent("f'{right / total:.2f}%'", "as if it were percent"),
    percent("f'{100 * right / total:.2f}'", "sign is missing"),
    percent("f'{100 * right / total:.0f}%'", "two decimals"),
    percent("f'{right / total:.1%}'", "two decimals"),
    percent("f'{right / total:%}'", "two decimals"),
    percent("f'{round(100 * right / total, 2)}%'", "drops zeros"),
    percent("f'{100 * right / total}%'", "two decimals"),
    percent("f'{right / total:.2}'", "percent"),
    percent("f'{right / total:.4f}'", "percent are asked for"),
    percent("f'{100 * right / total:.2f} %'", "no space"),
    percent("f'{100 * (right / total):.2%}'", "by itself"),
    percent("f'{total / right:.2%}' if right else '0.00%'", "upside down"),
    percent("f'{int(10000 * right / total) / 100:.2f}%'", "round"),
    percent("round(100 * right / total, 2)", "expected '94.51%', came 94.51 (float)"),
    percent("print(f'{right / total:.2%}')", "returned none"),
    percent("f'{1 - right / total:.2%}'", "wrong"),
    # ----------------------------------------------------------------------------------------------------- best epoch
    best_epoch("int(np.argmax(validation)) + 1", None),
    best_epoch("torch.tensor(validation).argmax() + 1", None),
    best_epoch("max(range(len(validation)), key=lambda n: validation[n]) + 1", None),
    best_epoch("sorted(enumerate(validation, start=1), key=lambda pair: -pair[1])[0][0]", None),
    best_epoch("test.index(max(test)) + 1", "choosing on the test set"),
    best_epoch("len(validation)", "the last epoch"),
    best_epoch("validation.index(max(validation))", "count from 1"),
    best_epoch("len(validation) - validation[::-1].index(max(validation))", "of equals take the first"),
    best_epoch("validation.index(min(validation)) + 1", "higher is better", "count from 1"),
    best_epoch("min(range(len(validation)), key=lambda n: abs(validation[n] - test[n])) + 1", "gap", "count from 1"),
    best_epoch("max(range(len(validation)), key=lambda n: validation[n] + test[n]) + 1", "both"),
    best_epoch(
        "next((n for n in range(1, len(validation)) if validation[n] <= validation[n - 1]), len(validation))",
        "first drop",
        "of equals",
    ),
    best_epoch(
        "next((n for n in range(1, len(validation)) if validation[n] < validation[n - 1]), len(validation))",
        "first drop",
        "of equals",
    ),
    best_epoch("max(validation)", "number of the epoch"),
    best_epoch("test.index(max(test))", "choosing on the test set"),
    best_epoch("1", "the first epoch is not"),
    best_epoch("sorted(range(len(validation)), key=validation.__getitem__)[-2:][0] + 1", "", "never uses", "nothing"),
    # -------------------------------------------------------------------------------------------------------- updates
    updates("2 * math.ceil(math.ceil(3651 / 16) / 4)", None),
    updates("2 * len(range(0, len(range(0, 3651, 16)), 4))", None),
    updates("np.int64(2 * -(-3651 // 64))", None),
    updates("116.0", None),
    updates("2 * (3651 // 64)", "round up"),
    updates("2 * (math.ceil(3651 / 16) // 4)", "round up"),
    updates("2 * 3651 / 64", "round up"),
    updates("math.ceil(2 * 3651 / 64)", "every epoch"),
    updates("2 * math.ceil(3651 / 16)", "several batches"),
    updates("math.ceil(3651 / 64)", "every epoch"),
    updates("2 * math.ceil(3651 / 4)", "16"),
    updates("2 * 4 * math.ceil(3651 / 16)", "divide"),
    updates("2 * 3651", ""),
    updates("'116'", "expected a number"),
    # ----------------------------------------------------------------------------------------------------------- step
    step_by("weights.softmax(0) - f", None),
    step_by("weights.exp() / weights.exp().sum() - f", None),
    backward("rate", "rate", None),
    step(
        """
    p = np.exp(weights.double().numpy())
    p = p / p.sum()
    return [w - rate * (p[i] - tokens.tolist().count(i) / len(tokens)) for i, w in enumerate(weights.tolist())]""",
        None,
    ),
    step(
        """
    w = nn.Parameter(weights.clone())
    optimizer = torch.optim.SGD([w], lr=rate)
    loss = -torch.stack([w.log_softmax(0)[token] for token in tokens]).mean()
    loss.backward()
    optimizer.step()
    return w""",
        None,
    ),
    step(
        """
    p = weights.softmax(0)
    for token in tokens:
        weights = weights - rate / len(tokens) * (p - F.one_hot(token, len(weights)))
    return weights""",
        None,
    ),
    step(
        """
    p = weights.softmax(0)
    weights -= rate * (p - torch.bincount(tokens, minlength=len(weights)) / len(tokens))
    return weights""",
        None,
    ),
    step_by("f - weights.softmax(0)", "uphill"),
    step_by("weights.softmax(0)", "shares: these are missing"),
    step_by("-f", "p is missing"),
    step_by("weights - f", "softmax makes probabilities"),
    step_by("len(tokens) * (weights.softmax(0) - f)", "divide by the number of tokens"),
    backward("tokens)\n", "tokens, reduction='sum')\n", "divide by the number of tokens"),
    backward("w - rate * w.grad", "w - w.grad", "multiplied by the rate"),
    backward("w - rate * w.grad", "w + rate * w.grad", "uphill"),
    backward("w - rate * w.grad", "w.grad", "that is the gradient"),
    backward("w - rate * w.grad", "-rate * w.grad", "the step alone"),
    backward("w - rate * w.grad", "loss", "that is the loss"),
    backward("w - rate * w.grad", "(w - rate * w.grad).softmax(0)", "those are the probabilities"),
    backward("w - rate * w.grad", "w - w.grad / rate", "not divided"),
    backward("    return w - rate * w.grad", "    w - rate * w.grad", "is there a return"),
    step(
        """
    for token in tokens:
        p = weights.softmax(0)
        p[token] -= 1
        weights = weights - rate * p
    return weights""",
        "one update for all tokens together",
    ),
    # ---------------------------------------------------------------------------------------------------------- train
    train("rate", "rate", None),
    train("losses.append(loss.item())", "losses.append(loss.detach())", None),
    train("    return losses", "    return torch.tensor(losses)", None),
    train("losses.append(loss.item())", "losses += [float(loss)]", None),
    train("        optimizer.zero_grad()\n", "        model.zero_grad()\n", None),
    train(
        "        loss = model(**batch).loss\n        optimizer.zero_grad()",
        "        optimizer.zero_grad(set_to_none=False)\n        loss = model(**batch).loss",
        None,
    ),
    train(
        """        for group in optimizer.param_groups:
            group["lr"] = peak * linear_schedule(step, warmup_steps=warmup_steps, total_steps=len(batches))
        optimizer.step()
""",
        """        optimizer.step()
        scheduler.step()
""",
        "",
    ),
    Answer(
        "training.train",
        """
def answer(model, batches, peak, warmup_steps):
    named = list(model.named_parameters())
    matrices = [p for n, p in named if n in ("table.weight", "dense.weight")]
    others = [p for n, p in named if n not in ("table.weight", "dense.weight")]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=peak, eps=1e-6)
    total = len(batches)
    share = lambda n: n / warmup_steps if n < warmup_steps else max(0, (total - n) / max(1, total - warmup_steps))
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses
""",
        None,
    ),
    Answer(
        "training.train",
        """
def answer(model, batches, peak, warmup_steps):
    moments = {name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in model.named_parameters()}
    losses = []
    for step, batch in enumerate(batches):
        loss = model(**batch).loss
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
        up = step < warmup_steps
        rate = peak * (step / warmup_steps if up else (len(batches) - step) / (len(batches) - warmup_steps))
        for (name, p), g in zip(model.named_parameters(), gradients):
            g = g * min(1.0, 1.0 / norm)
            m, v = moments[name]
            m.mul_(0.9).add_(0.1 * g)
            v.mul_(0.999).add_(0.001 * g**2)
            decay = 0.01 if p.dim() > 1 else 0.0
            change = m / (1 - 0.9 ** (step + 1)) / ((v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-6)
            p.data -= rate * (change + decay * p.data)
        losses.append(float(loss))
    return losses
""",
        None,
    ),
    train("        optimizer.zero_grad()\n", "", "zero_grad() is missing"),
    train("        loss.backward()\n", "        loss.backward()\n        optimizer.zero_grad()\n", "stay as they are"),
    train("        optimizer.step()\n", "", "stay as they are"),
    train("        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n", "", "clip the gradients"),
    train("clip_grad_norm_(model.parameters(), 1.0)", "clip_grad_value_(model.parameters(), 1.0)", "clip_grad_norm_"),
    train(
        "        loss.backward()\n        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n",
        "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        loss.backward()\n",
        "clip the gradients",
    ),
    train("parameter_groups(model, 0.01)", "model.parameters()", "do not decay"),
    train("parameter_groups(model, 0.01)", "parameter_groups(model, 0.0)", "matrices decay"),
    train(", eps=1e-6", "", "torch's default"),
    train("linear_schedule(step,", "linear_schedule(step + 1,", "one step ahead"),
    train(" * linear_schedule(step, warmup_steps=warmup_steps, total_steps=len(batches))", "", "constant"),
    train("torch.optim.AdamW", "torch.optim.Adam", "adamw is asked for"),
    train("    return losses", "    return losses[-1]", "that is the last loss"),
    train(
        "        losses.append(loss.item())\n    return",
        "        losses.append(loss.item())\n        return",
        "each batch",
    ),
    train("    return losses", "    pass", "is there a return"),
    train("losses.append(loss.item())", "losses.append(model(**batch).loss.item())", "before each update"),
    # ------------------------------------------------------------------------------------------ divided, and not copied
    schedule(
        """
    up = peak * step / warmup_steps
    return min(up, peak * max(0, total_steps - step) / max(1, total_steps - warmup_steps))""",
        "there is no way up",
        "count begin at 0",
    ),
    step(
        """
    loss = F.cross_entropy(weights.expand(len(tokens), -1), tokens)
    loss.backward()
    return weights - rate * weights.grad""",
        "begin with a copy",
    ),
    # --------------------------------------------------------------------------------------------------------- faults
    faults("132", None),
    faults("int('132')", None),
    faults("np.int64(132)", None),
    faults("132.0", None),
    faults("123", "you found the run with the high rate", "the rate is right"),
    faults("231", "asked for what it sees", "the leak is right"),
    faults("312", "the run with the same batch"),
    faults("213", "none of the three"),
    faults("321", "none of the three"),
    faults("(1, 3, 2)", "expected a number"),
    faults("'132'", "expected a number"),
    faults("13", "is not the number"),
]
