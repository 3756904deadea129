"""Runs the commands that the pages of docs/ show and compares what they print: docs.py ONNXOPT SOURCE_FOLDER [--update].

A command is the first line of a fenced block, after "$ "; the rest of the block is what it prints, up to a line "..." where it is cut. Times are left out of
the comparison. All commands run in one folder that has tests/ of the sources in it, in the order of the pages. --update rewrites the pages.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def timeless(line):
    return re.sub(r"[0-9.e+-]+ (ms|s)\b", "TIME", line).rstrip()


def output_of(command, folder):
    done = subprocess.run(["bash", "-c", f'PATH="{folder}/bin:$PATH"; {command}'], cwd=folder, capture_output=True, text=True, timeout=120)
    return (done.stdout + done.stderr).rstrip("\n").split("\n")


def with_output(block, folder):
    """The block as it should be: the same where nothing but times differs."""
    command, shown = block[0][2:], block[1:]
    printed = output_of(command, folder)
    cut = bool(shown) and shown[-1] == "..."
    wanted = printed[: len(shown) - 1] + ["..."] if cut else printed
    return block if [timeless(x) for x in wanted] == [timeless(x) for x in shown] else [block[0]] + wanted


def page_with_output(text, folder):
    lines, out = text.split("\n"), []
    while lines:
        out.append(lines.pop(0))
        if not out[-1].startswith("```") or not lines or not lines[0].startswith("$ onnxopt "):
            continue
        end = next(i for i, line in enumerate(lines) if line.startswith("```"))
        out += with_output(lines[:end], folder) + [lines[end]]
        del lines[: end + 1]
    return "\n".join(out)


def main():
    binary, source = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "bin").mkdir()
        (folder / "bin" / "onnxopt").symlink_to(binary)
        (folder / "tests").symlink_to(source / "tests")
        for page in sorted((source / "docs").glob("*.md")):
            old = page.read_text()
            new = page_with_output(old, folder)
            if new != old:
                wrong.append(page.name)
                if "--update" in sys.argv:
                    page.write_text(new)
                else:
                    print("\n".join(f"{page.name}: {a!r}, now {b!r}" for a, b in zip(old.split("\n"), new.split("\n")) if a != b))
    if wrong and "--update" not in sys.argv:
        sys.exit(f"{', '.join(wrong)}: other output than shown: run tests/cli/docs.py ONNXOPT . --update")
    print("docs: show what the program prints" if not wrong else f"updated {', '.join(wrong)}")


if __name__ == "__main__":
    main()
