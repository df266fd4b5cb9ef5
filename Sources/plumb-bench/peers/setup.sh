#!/usr/bin/env bash
# Makes the Python environment of the peers: setup.sh [FOLDER], .build/peers by default.
# llama.cpp is built from source with all that this processor offers; that takes some minutes.
# PLUMB_TORCH_INDEX names the index that torch comes from (default: PyTorch's builds for CPUs).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-.build/peers}

python3 -m venv "$folder"
pip="$folder/bin/pip"
"$pip" install --quiet --upgrade pip
"$pip" install --quiet torch \
  --index-url "${PLUMB_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}" \
  --extra-index-url https://pypi.org/simple
"$pip" install --quiet --requirement "$here/requirements.txt"
CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF" \
  "$pip" install --quiet --no-binary llama-cpp-python 'llama-cpp-python>=0.3.36'
"$folder/bin/python" - <<'PYTHON'
import llama_cpp, peft, torch, transformers
print("torch", torch.__version__, "transformers", transformers.__version__,
      "peft", peft.__version__, "llama-cpp-python", llama_cpp.__version__)
PYTHON
