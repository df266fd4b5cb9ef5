"""Generation by a GPT-2 124M with random weights: prompts of 64 tokens, 64 new ones, top-p 0.9.

    generate_gpt2.py generate-gpt2-32    32 sequences at a time; also -8 and -1
"""

from measure import options, peak_bytes, repeat, report, torch_with

SHAPES = {"generate-gpt2-32": 32, "generate-gpt2-8": 8, "generate-gpt2-1": 1}
NEW = 64

arguments = options(__doc__, ["dynamic", "static", "eager-attention", "compile"]).parse_args()
torch = torch_with(arguments)
import transformers

before = peak_bytes()
model = transformers.GPT2LMHeadModel(
    transformers.GPT2Config(
        attn_implementation="eager" if arguments.variant == "eager-attention" else "sdpa"
    )
).eval()
batch = SHAPES[arguments.workload]
prompts = torch.randint(50257, (batch, 64))
settings = transformers.GenerationConfig(
    do_sample=True, top_p=0.9, top_k=0, max_new_tokens=NEW, eos_token_id=None, pad_token_id=0,
    cache_implementation="static" if arguments.variant in ("static", "compile") else None,
)
if arguments.variant == "compile":
    model.forward = torch.compile(model.forward)


def generate():
    with torch.inference_mode():
        output = model.generate(
            prompts, attention_mask=torch.ones_like(prompts), generation_config=settings
        )
    assert output.shape == (batch, 64 + NEW)


times, machine = repeat(generate, arguments)
report(
    arguments, times, machine, batch * NEW,
    {"torch": torch.__version__, "transformers": transformers.__version__}, import_bytes=before,
)
