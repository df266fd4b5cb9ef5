// BERT and RoBERTa in the Hugging Face layout: config.json and the names of their tensors.

import CanonicalJSON
import Diagnostics

/// What `config.json` says about a BERT or a RoBERTa (MiniLM is a BERT), and which of its heads the
/// file of the weights holds.
///
/// **Source**: transformers' `BertConfig` and `RobertaConfig`; defaults are theirs.
public struct EncoderConfiguration: Sendable, Equatable {
  /// `model_type`; decides the prefix and the names of the heads.
  public enum Kind: String, Sendable { case bert, roberta }

  /// What stands on the blocks.
  public enum Head: Sendable, Equatable {
    /// Embeddings and blocks only.
    case none
    /// A dense layer with tanh over the first token (BERT, MiniLM).
    case pooler
    /// A classifier; labels in the order of its rows.
    case classifier(labels: [String], pooling: Pooling)
  }

  /// What a classifier looks at.
  public enum Pooling: String, Sendable {
    /// The first token. BERT: `pooler.dense` with tanh, then `classifier`; RoBERTa: `classifier.dense`
    /// with tanh, then `classifier.out_proj`. The classes of transformers.
    case first = "cls"
    /// The mean of all tokens, then `classifier`: our own; transformers loads the encoder of it.
    case mean
  }

  public enum Activation: String, Sendable, CaseIterable {
    /// x·Φ(x), the exact form.
    case gelu
    /// The form with tanh.
    case geluTanh = "gelu_new"
  }

  public var kind = Kind.bert
  public var vocabularySize = 30522
  public var width = 768
  public var layers = 12
  public var heads = 12
  /// Width inside the feed-forward part.
  public var inner = 3072
  public var activation = Activation.gelu
  /// Rows of the table of positions (`max_position_embeddings`).
  public var positions = 512
  /// Kinds of segments (`type_vocab_size`).
  public var typeVocabularySize = 2
  public var layerNormEpsilon = 1e-12
  public var hiddenDropout = 0.1
  public var attentionDropout = 0.1
  /// In front of the classifier; nil: `hiddenDropout`.
  public var classifierDropout: Double?
  public var initialiserRange = 0.02
  public var padToken: Int? = 0
  public var beginOfText: Int?
  public var endOfText: Int?
  public var head = Head.pooler
  /// What config.json calls the classes, whether or not there is a classifier.
  private var configuredLabels = ["LABEL_0", "LABEL_1"]
  private var configuredPooling = Pooling.first
  /// Members of config.json that change nothing here and are written again.
  public var others = JSONObject([])

  public init() {}

  /// The position of a sequence's first token: RoBERTa counts on from its padding token.
  public var positionOffset: Int { kind == .roberta ? (padToken ?? 1) + 1 : 0 }
  /// Longest sequence, tokens.
  public var context: Int { positions - positionOffset }

  /// Reads `config.json`, and from the weights' names whether there are a pooler and a classifier.
  ///
  /// **Throws**: `json-syntax`, `model-config` naming the member, `model-feature`, and what
  /// `Checkpoint.init` throws.
  public init(files: [String: String]) throws(Diagnostic) {
    let (json, path) = try ConfigurationMembers.json(files: files)
    try self.init(json: json, shown: path)
    takeHead(from: try Checkpoint(files: files).names)
  }

  /// Sets `head` by the names of a file's tensors.
  public mutating func takeHead(from names: some Sequence<String>) {
    head = .none
    let prefix = kind.rawValue + "."
    for name in names {
      let bare = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
      if bare == "classifier.weight" || bare == "classifier.out_proj.weight" {
        head = .classifier(labels: configuredLabels, pooling: configuredPooling)
        return
      }
      if bare == "pooler.dense.weight" { head = .pooler }
    }
  }

  /// Without the weights: the head that `architectures` promises.
  public init(json: JSONValue, shown: String) throws(Diagnostic) {
    let members = try ConfigurationMembers(json, shown: shown)
    kind = Kind(rawValue: try members.family(among: ["bert", "roberta"]))!
    let isBERT = kind == .bert

    vocabularySize = try members.integer("vocab_size", isBERT ? 30522 : 50265, in: 1...(1 << 24))
    width = try members.integer("hidden_size", 768, in: 1...(1 << 16))
    layers = try members.integer("num_hidden_layers", 12, in: 1...1024)
    heads = try members.integer("num_attention_heads", 12, in: 1...4096)
    inner = try members.integer("intermediate_size", 3072, in: 1...(1 << 20))
    guard width % heads == 0 else {
      throw .modelConfiguration(
        shown, "hidden_size \(width) is no multiple of num_attention_heads \(heads)")
    }
    positions = try members.integer("max_position_embeddings", 512, in: 1...(1 << 24))
    typeVocabularySize = try members.integer("type_vocab_size", 2, in: 1...(1 << 16))
    layerNormEpsilon = try members.number("layer_norm_eps", 1e-12, in: 1e-15...1)
    hiddenDropout = try members.number("hidden_dropout_prob", 0.1, in: 0...0.99)
    attentionDropout = try members.number("attention_probs_dropout_prob", 0.1, in: 0...0.99)
    classifierDropout = try members.optionalNumber("classifier_dropout", in: 0...0.99)
    initialiserRange = try members.number("initializer_range", 0.02, in: 0...10)
    padToken = try members.token("pad_token_id", isBERT ? 0 : 1, vocabulary: vocabularySize)
    beginOfText = try members.token(
      "bos_token_id", isBERT ? nil : 0, vocabulary: vocabularySize)
    endOfText = try members.token("eos_token_id", isBERT ? nil : 2, vocabulary: vocabularySize)
    guard context > 0 else {
      throw .modelConfiguration(
        shown, "\(positions) positions leave none after those up to the padding token")
    }

    let name = members.value("hidden_act") ?? "gelu"
    switch name.string {
    case "gelu": activation = .gelu
    case "gelu_new", "gelu_pytorch_tanh": activation = .geluTanh
    default: throw .modelFeature(shown, "hidden_act", name)
    }
    if let kind = members.value("position_embedding_type"), kind != "absolute" {
      throw .modelFeature(shown, "position_embedding_type", kind)
    }
    try members.require("is_decoder", false)
    try members.require("add_cross_attention", false)
    try members.require("is_encoder_decoder", false)
    try members.requireReadableQuantisation()
    configuredLabels = try Self.labels(members)
    let pooling = try members.text("classifier_pooling", "cls")
    guard let pooling = Pooling(rawValue: pooling) else {
      throw .modelFeature(shown, "classifier_pooling", .string(pooling))
    }
    configuredPooling = pooling
    let architectures = members.value("architectures")?.array ?? []
    let classifies =
      architectures.contains { $0.string?.hasSuffix("ForSequenceClassification") ?? false }
      || members.value("classifier_pooling") != nil
    head = classifies ? .classifier(labels: configuredLabels, pooling: pooling) : .pooler
    others = members.others(than: Self.known)
  }

  /// `id2label` by its numbers, which must be 0, 1, 2, …; else as many names as `num_labels`.
  private static func labels(_ members: ConfigurationMembers) throws(Diagnostic) -> [String] {
    guard let value = members.value("id2label") else {
      let count = try members.integer("num_labels", 2, in: 1...(1 << 16))
      return (0..<count).map { "LABEL_\($0)" }
    }
    guard let object = value.object, object.count > 0 else {
      throw .modelConfiguration(members.shown, "id2label names no class")
    }
    var labels = [String?](repeating: nil, count: object.count)
    for (key, value) in object.members {
      guard let number = Int(key), labels.indices.contains(number), labels[number] == nil,
        let label = value.string
      else {
        throw .modelConfiguration(
          members.shown,
          "id2label must name classes 0 to \(object.count - 1), and '\(key.prefix(40))' does not")
      }
      labels[number] = label
    }
    let names = labels.map { $0! }
    guard Set(names.map { Array($0.utf8) }).count == names.count else {
      throw .modelConfiguration(members.shown, "id2label gives two classes one name")
    }
    return names
  }

  private static let known: Set<String> = [
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_dropout_prob",
    "attention_probs_dropout_prob", "classifier_dropout", "initializer_range", "pad_token_id",
    "bos_token_id", "eos_token_id", "hidden_act", "position_embedding_type", "is_decoder",
    "add_cross_attention", "is_encoder_decoder", "id2label", "label2id", "num_labels",
    "classifier_pooling",
  ]

  /// What we write: names that transformers 4 and 5 both read, no version, no host.
  public var json: JSONValue {
    let stem = kind == .bert ? "Bert" : "Roberta"
    func token(_ token: Int?) -> JSONValue { token.map { .integer($0) } ?? .null }
    var own: [(String, JSONValue)] = [
      ("attention_probs_dropout_prob", .number(attentionDropout)),
      ("bos_token_id", token(beginOfText)),
      ("classifier_dropout", classifierDropout.map { .number($0) } ?? .null),
      ("eos_token_id", token(endOfText)),
      ("hidden_act", .string(activation.rawValue)),
      ("hidden_dropout_prob", .number(hiddenDropout)),
      ("hidden_size", .integer(width)),
      ("initializer_range", .number(initialiserRange)),
      ("intermediate_size", .integer(inner)),
      ("layer_norm_eps", .number(layerNormEpsilon)),
      ("max_position_embeddings", .integer(positions)),
      ("model_type", .string(kind.rawValue)),
      ("num_attention_heads", .integer(heads)),
      ("num_hidden_layers", .integer(layers)),
      ("pad_token_id", token(padToken)),
      ("torch_dtype", "float32"),
      ("type_vocab_size", .integer(typeVocabularySize)),
      ("vocab_size", .integer(vocabularySize)),
    ]
    var architecture = stem + "Model"
    if case .classifier(let labels, let pooling) = head {
      if pooling == .first {
        architecture = stem + "ForSequenceClassification"
      } else {
        own.append(("classifier_pooling", .string(pooling.rawValue)))
      }
      let numbered = labels.enumerated().map { ("\($0.offset)", JSONValue.string($0.element)) }
      let named = labels.enumerated().map { ($0.element, JSONValue.integer($0.offset)) }
      own.append(("id2label", .object(JSONObject(numbered))))
      own.append(("label2id", .object(JSONObject(named))))
    }
    own.append(("architectures", [.string(architecture)]))
    return .merged(own, others: others)
  }

  /// Names and file shapes of all weights; numbering is that of `tensors`.
  public var layout: CheckpointLayout {
    var tensors: [CheckpointLayout.Tensor] = []
    func add(_ name: String, _ shape: [Int], isPrefixed: Bool = true) {
      tensors.append(.init(name: name + ".weight", shape: shape, isPrefixed: isPrefixed))
      tensors.append(.init(name: name + ".bias", shape: [shape[0]], isPrefixed: isPrefixed))
    }
    // Files from before 2019 call gain and bias of a norm gamma and beta.
    func addNorm(_ name: String) {
      tensors.append(.init(name: name + ".weight", shape: [width], oldName: name + ".gamma"))
      tensors.append(.init(name: name + ".bias", shape: [width], oldName: name + ".beta"))
    }
    tensors.append(
      .init(name: "embeddings.word_embeddings.weight", shape: [vocabularySize, width]))
    tensors.append(
      .init(name: "embeddings.position_embeddings.weight", shape: [positions, width]))
    tensors.append(
      .init(name: "embeddings.token_type_embeddings.weight", shape: [typeVocabularySize, width]))
    addNorm("embeddings.LayerNorm")
    for layer in 0..<layers {
      let block = "encoder.layer.\(layer)."
      add(block + "attention.self.query", [width, width])
      add(block + "attention.self.key", [width, width])
      add(block + "attention.self.value", [width, width])
      add(block + "attention.output.dense", [width, width])
      addNorm(block + "attention.output.LayerNorm")
      add(block + "intermediate.dense", [inner, width])
      add(block + "output.dense", [width, inner])
      addNorm(block + "output.LayerNorm")
    }
    // Heads for other tasks (masked words, next sentence) are left out, and so is a pooler that
    // the classifier does not look at.
    var leftOut = ["cls.", "lm_head."]
    switch head {
    case .none: leftOut.append("pooler.")
    case .pooler: add("pooler.dense", [width, width])
    case .classifier(let labels, .mean):
      add("classifier", [labels.count, width], isPrefixed: false)
      leftOut += ["pooler.", kind.rawValue + ".pooler."]
    case .classifier(let labels, .first) where kind == .bert:
      add("pooler.dense", [width, width])
      add("classifier", [labels.count, width], isPrefixed: false)
    case .classifier(let labels, .first):
      add("classifier.dense", [width, width], isPrefixed: false)
      add("classifier.out_proj", [labels.count, width], isPrefixed: false)
      leftOut += ["pooler.", kind.rawValue + ".pooler."]
    }
    return CheckpointLayout(
      tensors: tensors, prefix: kind.rawValue + ".",
      ignored: ["embeddings.position_ids", "embeddings.token_type_ids"], tied: nil,
      leftOut: leftOut)
  }
}
