"""LoRA fine-tuning in peft: r 16 on every linear layer of the blocks, frozen base in fp32, AdamW.

    lora_smollm2.py lora-smollm2-128    random weights of SmolLM2-135M's shape, 8×128 tokens
    lora_smollm2.py lora-smollm2-512    the same, 4×512 tokens
    lora_smollm2.py qlora-smollm2 --gguf FILE    the weights of a GGUF, dequantised to fp32, 4×512
"""

import os

from measure import options, peak_bytes, repeat, report, torch_with

SHAPES = {"lora-smollm2-128": (8, 128), "lora-smollm2-512": (4, 512), "qlora-smollm2": (4, 512)}

parser = options(__doc__, ["fused", "foreach", "eager-attention", "compile"])
parser.add_argument("--gguf")
arguments = parser.parse_args()
torch = torch_with(arguments)
import peft
import transformers

before = peak_bytes()
attention = "eager" if arguments.variant == "eager-attention" else "sdpa"
if arguments.workload == "qlora-smollm2":
    folder, name = os.path.split(os.path.abspath(arguments.gguf))
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, dtype=torch.float32, attn_implementation=attention
    )
else:
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
            num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192,
            tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1e5},
            attn_implementation=attention,
        )
    )
model.config.use_cache = False
model = peft.get_peft_model(
    model,
    peft.LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0, target_modules="all-linear", task_type="CAUSAL_LM"
    ),
).train()
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(
    trained, lr=1e-4, weight_decay=0.01,
    **({"foreach": True} if arguments.variant == "foreach" else {"fused": True}),
)
run = torch.compile(model) if arguments.variant == "compile" else model
batch, length = SHAPES[arguments.workload]
tokens = torch.randint(49152, (batch, length))
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
    {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "peft": peft.__version__,
    },
    losses=[losses[0], losses[-1]], import_bytes=before,
    trained_parameters=sum(parameter.numel() for parameter in trained),
)
