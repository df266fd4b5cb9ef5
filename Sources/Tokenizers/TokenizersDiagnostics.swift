// Every sentence this module says to a user, and the pages behind their ids.

import Diagnostics

extension Diagnostic {
  private static let help =
    "Plumb reads byte-level BPE as GPT-2, SmolLM and RoBERTa have it, SentencePiece's BPE of Llama 2 "
    + "and Mistral, and BERT's WordPiece; take a checkpoint with such a tokenizer, or train one with 'train-tokenizer'"

  static func tokenizerUnsupported(_ part: String, _ name: String) -> Diagnostic {
    Diagnostic(
      "tokenizer-unsupported", "the tokenizer has the \(part) '\(name)', which is not implemented",
      help: help)
  }

  static func tokenizerMalformed(_ reason: String) -> Diagnostic {
    Diagnostic(
      "tokenizer-malformed", "the tokenizer file \(reason)",
      help: "save it again with the library it came from, or train one with 'train-tokenizer'")
  }

  static func vocabularyUnsupported(_ key: String, _ name: String) -> Diagnostic {
    Diagnostic(
      "tokenizer-unsupported",
      "the GGUF file's vocabulary has \(key) '\(name)', which is not implemented",
      help:
        "take the checkpoint as a Hugging Face folder with its tokenizer.json, if it has one of "
        + "the known kinds; of GGUF vocabularies 'gpt2' with pre 'gpt-2', 'smollm' or 'roberta-bpe' "
        + "is read")
  }

  static func chatTemplateUnsupported(_ jinja: String) -> Diagnostic {
    let start = jinja.prefix(60).map { $0.isNewline ? " " : String($0) }.joined()
    return Diagnostic(
      "chat-template-unsupported",
      "the chat template '\(start)\(jinja.count > 60 ? "…" : "")' is not ChatML",
      help:
        "render the conversations to texts with transformers' apply_chat_template and give those")
  }

  static func chatFormUnknown(_ jinja: String) -> Diagnostic {
    let start = jinja.prefix(60).map { $0.isNewline ? " " : String($0) }.joined()
    return Diagnostic(
      "chat-template-unsupported",
      "the chat template '\(start)\(jinja.count > 60 ? "…" : "")' is none of the known ones",
      help: "say which form the model reads: chat: chatml, llama-2, mistral or plain")
  }

  static func chatTokenMissing(_ name: String) -> Diagnostic {
    Diagnostic(
      "chat-tokens-missing", "the vocabulary has no token '\(name)', which the chat form needs",
      help: "take the instruction-tuned checkpoint of the model, whose vocabulary has it")
  }

  static func mergesMalformed(_ reason: String, at span: SourceSpan? = nil) -> Diagnostic {
    Diagnostic("merges-malformed", "the merges file \(reason)", at: span)
  }
}

/// Pages behind `plumb explain ID`.
public let tokenizersExplanations: [(id: String, text: String)] = [
  (
    "tokenizer-unsupported",
    """
    A tokenizer.json describes a pipeline: normalizer, pre-tokenizer, model, post-processor, decoder.
    Plumb runs three: byte-level BPE without a normalizer (GPT-2, RoBERTa; SmolLM, which isolates
    digits), SentencePiece's BPE with byte_fallback (Llama 2, Mistral) and BERT's WordPiece with its normalizer and pre-tokenizer. Post-processors:
    TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel. Any other part would change the
    ids, so it is refused by its name instead of being skipped. Vocabularies of GGUF files name their
    split in 'tokenizer.ggml.pre'; an unknown name is refused for the same reason.
    """
  ),
  (
    "tokenizer-malformed",
    """
    The file is JSON but not a whole tokenizer: a merge names a token that the vocabulary lacks, two
    tokens share an id, a letter has no token (then most texts could not be written), or an entry has
    the wrong type. The message says which.
    """
  ),
  (
    "merges-malformed",
    """
    A merges.txt holds one merge a line, two tokens with one space between, best merge first; a first
    line '#version: …' is skipped. The place shows the line that is different.
    """
  ),
  (
    "chat-template-unsupported",
    """
    A checkpoint says in Jinja, a programming language, how messages become text. Plumb knows the
    programs that mean ChatML, as SmolLM2 has it, and those of Llama 2 and Mistral, and runs no others.
    Stages that ask a model take its form as 'chat: chatml', 'llama-2', 'mistral' or 'plain' instead.
    Texts that were rendered before can be given as they are.
    """
  ),
  (
    "chat-tokens-missing",
    """
    ChatML marks messages with the tokens '<|im_start|>' and '<|im_end|>', Llama 2 and Mistral begin and
    end with '<s>' and '</s>'. A vocabulary without them belongs to a model that has not learnt
    conversations: 'chat: plain' asks it in plain text.
    """
  ),
]
