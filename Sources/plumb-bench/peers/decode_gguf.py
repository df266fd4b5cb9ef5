"""llama.cpp on a GGUF, through the functions of its library that llama-cpp-python shows.

    decode_gguf.py prompt-gguf-512 --gguf FILE    reads a prompt of 512 tokens
    decode_gguf.py decode-gguf-1 --gguf FILE      writes 64 tokens behind 64, greedy; only the writing
                                                  counts
    decode_gguf.py decode-gguf-16 --gguf FILE     16 sequences at a time
"""

import ctypes
import random
import time

from measure import options, own_seconds, repeat, report

PROMPT, NEW = 64, 64

parser = options(
    __doc__, ["flash-attention", "plain-attention", "unified-cache", "unpacked"]
)
parser.add_argument("--gguf", required=True)
arguments = parser.parse_args()

import llama_cpp as llama
import numpy

silent = llama.llama_log_callback(lambda level, text, data: None)
llama.llama_log_set(silent, ctypes.c_void_p(0))
llama.llama_backend_init()
model_settings = llama.llama_model_default_params()
if arguments.variant == "unpacked":
    model_settings.use_extra_bufts = False
model = llama.llama_model_load_from_file(arguments.gguf.encode(), model_settings)
vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
reads = arguments.workload == "prompt-gguf-512"
sequences = {"prompt-gguf-512": 1, "decode-gguf-1": 1, "decode-gguf-16": 16}[arguments.workload]
length = 512 if reads else PROMPT + NEW

settings = llama.llama_context_default_params()
settings.n_ctx = 2048
settings.n_batch = settings.n_ubatch = 512 if reads else 1024
settings.n_seq_max = sequences
settings.n_threads = settings.n_threads_batch = arguments.threads
settings.flash_attn_type = 0 if arguments.variant == "plain-attention" else 1
settings.kv_unified = arguments.variant == "unified-cache"
settings.no_perf = True
context = llama.llama_init_from_model(model, settings)
assert model and context, "llama.cpp cannot read the file"
memory = llama.llama_get_memory(context)
batch = llama.llama_batch_init(1024, 0, 1)
draw = random.Random(1)
prompts = [
    [draw.randrange(vocabulary) for _ in range(512 if reads else PROMPT)]
    for _ in range(sequences)
]


def run(rows):
    """Computes `(token, position, sequence, wants logits)` rows in one go."""
    batch.n_tokens = len(rows)
    for row, (token, position, sequence, wants) in enumerate(rows):
        batch.token[row] = token
        batch.pos[row] = position
        batch.n_seq_id[row] = 1
        batch.seq_id[row][0] = sequence
        batch.logits[row] = wants
    assert llama.llama_decode(context, batch) == 0, "llama.cpp refused the batch"


def best(row):
    logits = llama.llama_get_logits_ith(context, row)
    return int(numpy.ctypeslib.as_array(logits, (vocabulary,)).argmax())


def prompt():
    """Reads all prompts; the first tokens of the answers."""
    llama.llama_memory_clear(memory, True)
    run(
        [
            (token, position, sequence, position == len(tokens) - 1)
            for sequence, tokens in enumerate(prompts)
            for position, token in enumerate(tokens)
        ]
    )
    ends = [len(prompts[0]) * (sequence + 1) - 1 for sequence in range(sequences)]
    return [best(row) for row in ends]


def write():
    tokens = prompt()
    start, used = time.perf_counter(), own_seconds()
    for step in range(NEW - 1):
        run([(token, PROMPT + step, number, True) for number, token in enumerate(tokens)])
        tokens = [best(row) for row in range(sequences)]
    return time.perf_counter() - start, own_seconds() - used


def read():
    prompt()


times, machine = repeat(read if reads else write, arguments)
report(
    arguments, times, machine, 512 if reads else sequences * (NEW - 1),
    {"llama-cpp-python": llama.__version__},
    system=llama.llama_print_system_info().decode(),
)
