#!/usr/bin/python3
"""Fill ramet-patch(7) with what `ramet run --list` knows.

usage: tools/fill-man.py COMMAND PAGE.scd.in

@FUNCTIONS@ becomes the functions by group, @UNCOVERED@ what is not covered.
"""
import argparse
import itertools
import json
import pathlib
import re
import subprocess


def escape(text):
    """scdoc takes these for markup."""
    return re.sub(r"([_*\\~`<#])", r"\\\1", text)


def functions(rows):
    for group, of_group in itertools.groupby(rows, key=lambda row: row["group"]):
        yield f"*{group}*\n\t" + ", ".join(escape(row["symbol"]) for row in of_group)


def uncovered(rows):
    for row in rows:
        yield f"*{escape(row['what'])}*\n\t{escape(row['consequence'])}."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("page", type=pathlib.Path)
    args = parser.parse_args()
    listed = json.loads(subprocess.run([args.command, "run", "--list", "--json"], check=True,
                                       stdout=subprocess.PIPE).stdout)
    text = args.page.read_text()
    text = text.replace("@FUNCTIONS@", "\n\n".join(functions(listed["replaced"])))
    print(text.replace("@UNCOVERED@", "\n\n".join(uncovered(listed["uncovered"]))), end="")


main()
