"""Makes the folder example/: a tiny BERT with random weights and a WordPiece tokenizer.
Run: python make_example.py (transformers 5, torch, tokenizers)."""

import pathlib
import string

import torch
import transformers as t
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

folder = pathlib.Path(__file__).with_name("example")
tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
tokens += list(string.ascii_lowercase + string.digits + ".,!?'")
tokens += ["##" + letter for letter in string.ascii_lowercase]
tokens += ["the", "state", "news", "day", "##s", "##ed"]
tokens = list(dict.fromkeys(tokens))
tokenizer = Tokenizer(models.WordPiece(
    {token: number for number, token in enumerate(tokens)}, unk_token="[UNK]",
    max_input_chars_per_word=100))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.decoder = decoders.WordPiece()
tokenizer.add_special_tokens(tokens[:5])
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
    special_tokens=[("[CLS]", 2), ("[SEP]", 3)])

torch.manual_seed(7)
model = t.BertModel(t.BertConfig(
    vocab_size=len(tokens), hidden_size=24, intermediate_size=48, num_hidden_layers=2,
    num_attention_heads=3, max_position_embeddings=48))
model.save_pretrained(folder)
tokenizer.save(str(folder / "tokenizer.json"))
