// The pages that `plumb explain ID` prints for the diagnostics of this module.

/// Diagnostic id and its page.
public let languageModelsExplanations: [(id: String, text: String)] =
  [
    (
      "model-is-an-encoder",
      """
      BERT and RoBERTa let every token see those behind it. They turn a text into vectors and have no
      output layer that would give the next token, so they cannot be trained on text or write it.
      Encoders are imported with import-encoder and used by train-classifier.
      """
    ),
    (
      "training-path",
      """
      With 'snapshots' fine-tune keeps the weights at some steps inside its run: a folder with path.json
      and a step-000123.safetensors for each step it lists, in ascending order. project-bias follows the
      run through them. The message says what is missing; a path comes from fine-tune only.
      """
    ),
    (
      "weights-frozen",
      """
      Weights in blocks of few bits (a GGUF file's, or NF4) have no room for the small changes of an
      optimizer step. Train an adapter beside them (fine-tune-adapter), or let the model be expanded to
      single precision while it is read, which takes 4 bytes a weight and as much again for gradients
      and each of two moments.
      """
    ),
    (
      "weights-not-finite",
      """
      After training, a weight is NaN or infinite. The model is not written, since everything computed
      from it would be NaN. Lower learning_rate, add warmup, or clip gradients (clip_norm: 1).
      """
    ),
    (
      "token-outside-vocabulary",
      """
      A token's number is not below the model's vocabulary size. The text was cut into tokens by
      another tokenizer than the model's. A model folder carries its own tokenizer.json.
      """
    ),
    (
      "example-length",
      """
      Training sequences must fit the model's context (n_positions in config.json) and have at least
      two tokens: one to read, one to learn. Longer documents are cut to max_length and counted.
      """
    ),
    (
      "end-of-text-missing",
      """
      learn_end_of_text: true appends the end-of-text token to every document, but the model's
      config.json names none (eos_token_id).
      """
    ),
    (
      "nothing-to-learn",
      """
      Every supervised token needs a token before it, so empty lines and single tokens teach nothing.
      Here nothing at all was left. A run over such data would report a loss of NaN or 0, so it is
      refused.
      """
    ),
    (
      "training-diverged",
      """
      The loss or the norm of the gradient is NaN or infinite. It is checked before every step, so the
      weights are those before it. The usual causes are too high a learning rate, no warm-up for a
      model that starts at random, or no clipping.
      """
    ),
    (
      "checkpoint-of-another-run",
      """
      Training puts its weights, both moments of AdamW, its place in the data and its history into one
      checkpoint. It is only taken up by the same run: same settings, same sequences, same sizes. This
      one is of another run or damaged, so training starts at the beginning.
      """
    ),
    (
      "evaluation-window",
      """
      Likelihoods are computed in windows that must fit the model's context and hold at least two
      tokens.
      """
    ),
    (
      "evaluation-stride",
      """
      A rolling window moves by 'stride' tokens. With a stride of the window's length or more, the
      first token of each window would never be predicted from anything.
      """
    ),
    (
      "prompt-length",
      """
      A prompt and what is to be written behind it must fit the model's context together; a prompt has
      at least one token.
      """
    ),
    (
      "block-length",
      """
      Block-wise continuation gives the model a block of tokens and lets it write as many again: twice
      the block must fit the model's context.
      """
    ),
    (
      "logits-not-finite",
      """
      The model's output holds NaN or infinity. No token can be chosen from it. Its training diverged.
      """
    ),
    (
      "adapter-target",
      """
      An adapter's targets are the last parts of module paths as in peft's target_modules: c_attn, c_proj,
      c_fc for GPT-2; q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj for Llama and Mistral;
      query, key, value, intermediate.dense, output.dense (of attention too) for BERT and RoBERTa;
      all-linear for all of them. Only linear layers inside the blocks are adapted: no embeddings, output
      matrices or poolers. A target must name at least one of them and nothing else.
      """
    ),
    (
      "adapter-base",
      """
      An adapter is a small correction to the weights it was trained beside. On other weights it computes
      something without any sign of being wrong. The file notes a checksum of its base, and this base has
      another. A base quantised at load (nf4) is another base than the same file in single precision:
      load it in the form that was used in training, or merge there.
      """
    ),
  ] + generationExplanations + encoderExplanations
