"""Write a tuned model as a graph for ONNX Runtime."""

import argparse
from pathlib import Path

from bertlib.cli.options import new_command


def add_command(commands) -> None:
    more = "The folder opens without torch, and `serve` answers from it. It is checked against the model before."
    command = new_command(commands, "export", run, "write a tuned model as a graph for ONNX Runtime", more)
    command.add_argument("model", type=Path, help="a folder that classify, match, tag, answer or a task's save wrote")
    command.add_argument("out", type=Path, help="the folder to write")
    command.add_argument("--int8", action="store_true", help="a quarter of the size; some decisions may differ")
    command.add_argument("--bits", type=int, choices=(7, 8), help="of a weight; otherwise what suits this processor")
    command.add_argument("--kind", help="classify, match, tag, answer or embed, where the folder does not say")


def run(options: argparse.Namespace) -> int:
    from bertlib.serve.export import export

    about = export(options.model, options.out, int8=options.int8, bits=options.bits, kind=options.kind)
    checked, bits = about["checked"], f", {about['bits']} bits a weight" if about["bits"] else ""
    print(f"{about['kind']}, {about['precision']}{bits}; logits differ by at most {checked['largest_difference']:.1e}")
    told = (
        f"{checked['flips']} decide otherwise"
        if "flips" in checked
        else f"cosine {checked['smallest_cosine']:.4f} at least"
    )
    print(f"{checked['texts']} texts: {told}")
    print(f"saved: {options.out}")
    return 0
