"""Full fine-tuning of a GPT-2 124M with random weights: fp32, dropout 0, AdamW, no clipping.

    train_gpt2.py train-gpt2-128    8 sequences of 128 tokens in a step
    train_gpt2.py train-gpt2-512    4 sequences of 512 tokens in a step
"""

from measure import options, peak_bytes, repeat, report, torch_with

SHAPES = {"train-gpt2-128": (8, 128), "train-gpt2-512": (4, 512)}

arguments = options(__doc__, ["fused", "foreach", "eager-attention", "compile"]).parse_args()
torch = torch_with(arguments)
import transformers

before = peak_bytes()
configuration = transformers.GPT2Config(
    embd_pdrop=0, attn_pdrop=0, resid_pdrop=0, use_cache=False,
    attn_implementation="eager" if arguments.variant == "eager-attention" else "sdpa",
)
model = transformers.GPT2LMHeadModel(configuration).train()
optimizer = torch.optim.AdamW(
    model.parameters(), lr=1e-4, weight_decay=0.01,
    **({"foreach": True} if arguments.variant == "foreach" else {"fused": True}),
)
run = torch.compile(model) if arguments.variant == "compile" else model
batch, length = SHAPES[arguments.workload]
tokens = torch.randint(50257, (batch, length))
losses = []


def step():
    loss = run(input_ids=tokens, labels=tokens).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    losses.append(loss.item())


times, machine = repeat(step, arguments)
report(
    arguments, times, machine, batch * length,
    {"torch": torch.__version__, "transformers": transformers.__version__},
    losses=[losses[0], losses[-1]], import_bytes=before,
)
