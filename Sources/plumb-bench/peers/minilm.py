"""A BERT encoder from a Hugging Face folder, MiniLM's for the figures, on news leads.

    minilm.py encode-minilm --model FOLDER --news FILE     2,000 leads: texts in, mean-pooled
                                                           vectors of length 1 out
    minilm.py finetune-minilm --model FOLDER --news FILE   classification of 256 leads by label, 8
                                                           steps of 32, all weights, dropout 0, AdamW

Batches hold texts of like length, so that there is hardly any padding. Tokens are counted without it.
"""

from measure import options, peak_bytes, repeat, report, torch_with
from news import leads

LONGEST = 256

parser = options(__doc__, ["batch-32", "batch-16", "batch-64", "batch-8", "compile"])
parser.add_argument("--model", required=True)
parser.add_argument("--news", required=True)
arguments = parser.parse_args()
torch = torch_with(arguments)
import transformers

before = peak_bytes()
tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model)
trains = arguments.workload == "finetune-minilm"
rows = leads(arguments.news, 256 if trains else 2000)
texts = [text for text, _ in rows]
size = 32
if arguments.variant.startswith("batch-") and not trains:
    size = int(arguments.variant.removeprefix("batch-"))


def encoded():
    """Ids of all texts, and their places by length."""
    ids = tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    return ids, [order[start : start + size] for start in range(0, len(order), size)]


def padded(ids, places):
    longest = max(len(ids[place]) for place in places)
    tokens = torch.zeros(len(places), longest, dtype=torch.long)
    mask = torch.zeros(len(places), longest, dtype=torch.long)
    for row, place in enumerate(places):
        tokens[row, : len(ids[place])] = torch.tensor(ids[place])
        mask[row, : len(ids[place])] = 1
    return tokens, mask


losses = []
if trains:
    labels = sorted({label for _, label in rows})
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        arguments.model, num_labels=len(labels), dtype=torch.float32, attn_implementation="sdpa",
        hidden_dropout_prob=0, attention_probs_dropout_prob=0,
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.01, fused=True)
    ids, batches = encoded()
    targets = torch.tensor([labels.index(label) for _, label in rows])
    run = torch.compile(model, dynamic=True) if arguments.variant == "compile" else model

    def work():
        for places in batches:
            tokens, mask = padded(ids, places)
            loss = run(input_ids=tokens, attention_mask=mask, labels=targets[places]).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())

else:
    model = transformers.AutoModel.from_pretrained(
        arguments.model, dtype=torch.float32, attn_implementation="sdpa", add_pooling_layer=False
    ).eval()
    run = torch.compile(model, dynamic=True) if arguments.variant == "compile" else model
    ids = encoded()[0]

    def work():
        ids, batches = encoded()
        with torch.inference_mode():
            for places in batches:
                tokens, mask = padded(ids, places)
                hidden = run(input_ids=tokens, attention_mask=mask).last_hidden_state
                weights = mask.unsqueeze(-1).to(hidden.dtype)
                pooled = (hidden * weights).sum(1) / weights.sum(1)
                torch.nn.functional.normalize(pooled, dim=1)


times, machine = repeat(work, arguments)
more = {"losses": [losses[0], losses[-1]]} if trains else {}
report(
    arguments, times, machine, sum(len(row) for row in ids),
    {"torch": torch.__version__, "transformers": transformers.__version__},
    import_bytes=before, texts=len(texts), **more,
)
