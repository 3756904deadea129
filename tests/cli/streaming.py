"""Commands that only look at weights read them in blocks: their resident memory does not grow with the file.   streaming.py ONNXOPT"""
import os
import shutil
import subprocess
import sys
import tempfile

LIMIT_KB = 64 * 1024  # a quarter of the weights; what a command takes with no weights at all is 10 to 20 MB
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1] x) => (float[67108864] y) <float[67108864] w = ["location": "@uniform", "seed": "7"]> { y = Mul (x, w) }
"""


def peak_kb(command):
    """The exit code, the output and the peak of one command, from its own accounts."""
    read, write = os.pipe()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)])
    os.close(write)
    with os.fdopen(read) as stream:
        out = stream.read()
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), out, usage.ru_maxrss


def main():
    onnxopt = os.path.abspath(sys.argv[1])
    with open(onnxopt, "rb") as program:
        if b"__asan_init" in program.read():
            print("skipped: a sanitizer has memory of its own")
            return 77
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("big.onnxtxt", "w") as f:
            f.write(TEXT)
        subprocess.run([onnxopt, "optimize", "big.onnxtxt", "--passes", "", "--no-verify", "--external-data=w.bin", "-o", "a.onnx"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([onnxopt, "optimize", "big.onnxtxt", "--passes", "", "--no-verify", "-o", "b.onnx"], check=True, stdout=subprocess.DEVNULL)
        os.mkdir("c")
        shutil.copy("a.onnx", "c")
        shutil.copy("w.bin", "c")
        with open("c/w.bin", "r+b") as f:
            f.seek(-1, os.SEEK_END)
            f.write(b"\x41")
        for code, text, *command in [
            (0, "@elided", "print", "a.onnx"),
            (0, "@elided", "print", "--types", "b.onnx"),
            (0, "268 MB", "inspect", "a.onnx", "b.onnx"),
            (0, "valid", "check", "a.onnx", "b.onnx"),
            (0, "equal graphs", "diff", "a.onnx", "b.onnx"),
            (1, "element 67108863 is", "diff", "a.onnx", "c/a.onnx"),
        ]:
            got, out, peak = peak_kb([onnxopt, *command])
            if got != code or text not in out or peak > LIMIT_KB:
                print(f"FAILED: onnxopt {' '.join(command)} ends with {got}, takes {peak} kB of {LIMIT_KB}, and says: {out[:300]}")
                failed = 1
        if subprocess.run([onnxopt, "diff", "a.onnx", "big.onnxtxt"], check=False).returncode != 0:  # in blocks or at once: the same hashes
            failed = 1
    return failed


sys.exit(main())
