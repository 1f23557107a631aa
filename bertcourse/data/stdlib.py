"""Functions of Python's own library, as text: what is at hand wherever the course runs. Read, never run.

Each version of Python has a few other functions; figures on them carry a tolerance.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

MODULES = (  # noqa: SIM905 - eighty names in quotes would be eighty lines
    "argparse ast base64 bisect calendar cmd code codecs configparser contextlib copy csv dataclasses difflib dis enum "
    "filecmp fileinput fnmatch fractions ftplib functools getopt getpass gettext glob gzip hashlib heapq hmac imaplib "
    "inspect ipaddress locale mailbox mimetypes netrc ntpath numbers operator optparse os pickle pickletools pkgutil "
    "platform plistlib poplib posixpath pprint queue quopri random reprlib runpy sched secrets selectors shelve shlex "
    "shutil smtplib socket socketserver ssl stat statistics string stringprep subprocess tarfile tempfile textwrap "
    "threading timeit token tokenize trace traceback types typing uuid warnings weakref webbrowser zipapp "
    "collections/__init__ email/utils email/header html/parser http/client http/cookies json/decoder json/encoder "
    "logging/__init__ logging/handlers unittest/case unittest/mock urllib/parse urllib/request wsgiref/util "
    "xml/dom/minidom xml/etree/ElementTree xml/sax/saxutils"
).split()


@dataclass(frozen=True)
class Function:
    """A function of the library: its module and name, the first line of its docstring, and its text without that."""

    module: str
    name: str
    says: str
    text: str


def functions_of(source: str, module: str) -> list[Function]:
    """The functions with a docstring whose first line has four words or more, and a body of three lines or more.

    Raises:
        SyntaxError: the source is not of this Python.
    """
    found, lines = [], source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef) or not (said := ast.get_docstring(node)):
            continue
        first, own = " ".join(said.split("\n\n")[0].split()), node.body[0]
        body = lines[own.end_lineno : node.end_lineno]
        if len(first.split()) >= 4 and len([line for line in body if line.strip()]) >= 3:
            head = lines[node.lineno - 1 : own.lineno - 1]
            found.append(Function(module, node.name, first, "\n".join([*head, *body])))
    return found


def library_functions() -> list[Function]:
    """Those of some eighty modules, one for each first line; a module that this Python lacks is passed over."""
    folder, seen, found = Path(sysconfig.get_path("stdlib")), set(), []
    for module in MODULES:
        path = folder / f"{module}.py"
        if not path.is_file():
            continue
        for function in functions_of(path.read_text(encoding="utf-8"), module):
            if function.says.lower() not in seen:
                seen.add(function.says.lower())
                found.append(function)
    return found


def without_names(function: Function) -> str:
    """A function's text with its own name replaced: what is left to find it by if nobody had named it well."""
    return re.sub(rf"\b{re.escape(function.name)}\b", "f", function.text)
