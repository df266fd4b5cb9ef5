#!/usr/bin/env bash
# Makes the Python environment of the peers: setup.sh [FOLDER], .build/peers by default.
# llama.cpp is built from source with all that this processor offers; that takes some minutes.
# PLUMB_TORCH_INDEX names the index that torch comes from (default: PyTorch's builds for CPUs). Where it
# cannot be reached, torch comes from pip's own index: larger, a build for GPUs, and the script says so.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-.build/peers}

python3 -m venv "$folder"
pip="$folder/bin/pip"
"$pip" install --quiet --upgrade pip
index=${PLUMB_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
# Alone: with two indices pip would take the newer build, whichever it is.
if "$pip" --retries 1 download --quiet --no-deps --dest "$wheels" --index-url "$index" torch; then
  "$pip" install --quiet "$wheels"/torch-*.whl
else
  echo "note: no torch at $index; taking pip's, whose libraries for GPUs count as memory" >&2
  "$pip" install --quiet torch
fi
"$pip" install --quiet --requirement "$here/requirements.txt"
CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF" \
  "$pip" install --quiet --no-binary llama-cpp-python 'llama-cpp-python>=0.3.36' || {
  echo "llama-cpp-python was not built: that needs a C++ compiler" >&2
  exit 1
}
"$folder/bin/python" - <<'PYTHON'
import llama_cpp, peft, torch, transformers
print("torch", torch.__version__, "for GPUs" if torch.version.cuda else "for CPUs", "transformers", transformers.__version__,
      "peft", peft.__version__, "llama-cpp-python", llama_cpp.__version__)
PYTHON
