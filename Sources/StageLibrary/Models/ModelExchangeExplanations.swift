// Pages behind the ids of import-model, import-encoder, export-model and plumb model show.

public let modelExchangeExplanations: [(id: String, text: String)] = [
  (
    "import-model",
    """
    import-model and import-encoder take a folder in the Hugging Face layout (config.json with
    model.safetensors, one other .safetensors file, or the files that model.safetensors.index.json
    lists), a .gguf file, or a folder with one .gguf file. Weights in PyTorch's pickled form (.bin, .pt)
    can run programs while they are read and are refused; transformers converts them:
        model.save_pretrained(folder, safe_serialization=True)
    A model needs its own tokenizer: other ids mean other words.
    """
  ),
  (
    "export-range",
    """
    A weight is too large for the precision asked for: half precision (float16) ends at 65,504. Written
    all the same it would be infinite. bfloat16 has single precision's range and fewer digits.
    """
  ),
  (
    "export-differs",
    """
    export-model reads what it has written, and compares every weight with the one it should be and the
    logits of a few tokens with those of the model before. Something differs by more than rounding: a
    disk that lies, or a mistake of Plumb.
    """
  ),
  (
    "export-idle",
    """
    A parameter of export-model asks for something its inputs do not have. With 'form: adapter' the
    adapter is written beside the model, so the input 'adapter' must be connected.
    """
  ),
  (
    "storage-without-effect",
    """
    'storage: nf4' keeps linear layers in blocks of 64 numbers along their inputs. None of this model's
    layers has a multiple of 64 inputs, so all would stay in single precision and nothing would be saved.
    Where only some have, those are quantised and the log names the others.
    """
  ),
  (
    "model-path-missing",
    """
    plumb model show describes a folder with config.json and weights, a .gguf file, or a model of the
    store under its reference (tree:sha256:…, as plumb show prints it).
    """
  ),
]
