// Low-rank adapters in the layout of the peft library: adapter_config.json here, the tensors of
// adapter_model.safetensors in PEFTTensors.swift. What would compute other numbers is refused by name.

import CanonicalJSON
import Diagnostics

/// What `adapter_config.json` says about a low-rank adapter.
///
/// **Source**: peft's `LoraConfig`; defaults are its defaults.
public struct LowRankConfiguration: Sendable, Equatable {
  /// A value for the modules whose path is `module` or ends with a dot and it.
  public struct Exception<Value: Sendable & Equatable>: Sendable, Equatable {
    public var module: String
    public var value: Value

    public init(_ module: String, _ value: Value) {
      self.module = module
      self.value = value
    }
  }

  /// In `targets`: every linear layer inside the blocks.
  public static let allLinear = "all-linear"

  /// r
  public var rank = 8
  /// α; what the adapter adds is scaled by α/r.
  public var alpha = 8.0
  /// Share of the adapter's input set to zero in training.
  public var dropout = 0.0
  /// Last parts of the paths of adapted modules, such as `q_proj`; `all-linear` alone; empty: the
  /// family's usual ones.
  public var targets: [String] = []
  /// Scale α/√r in place of α/r (Kalajdzievski 2023).
  public var usesRankStabilisedScale = false
  /// Other ranks for some modules; the first that fits counts.
  public var rankExceptions: [Exception<Int>] = []
  /// Other α for some modules.
  public var alphaExceptions: [Exception<Double>] = []

  public init() {}

  public init(rank: Int, alpha: Double, dropout: Double = 0, targets: [String] = []) {
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.targets = targets
  }

  public static func fits(_ target: String, _ path: String) -> Bool {
    path == target || path.hasSuffix("." + target)
  }

  /// Rank and α of a module.
  public func values(of path: String) -> (rank: Int, alpha: Double) {
    (
      rankExceptions.first { Self.fits($0.module, path) }?.value ?? rank,
      alphaExceptions.first { Self.fits($0.module, path) }?.value ?? alpha
    )
  }

  /// α/r or α/√r.
  public func scale(of path: String) -> Double {
    let (rank, alpha) = values(of: path)
    return alpha / (usesRankStabilisedScale ? Double(rank).squareRoot() : Double(rank))
  }
}

extension LowRankConfiguration {
  static let rankLimit = 1 << 14

  /// - Parameter json: the content of `adapter_config.json`.
  ///
  /// **Throws**: `adapter-config` naming the member, `adapter-feature`.
  public init(json: JSONValue, shown: String) throws(Diagnostic) {
    guard let object = json.object else {
      throw .adapterConfiguration(shown, "it is no JSON object")
    }
    guard let kind = object["peft_type"]?.string else {
      throw .adapterConfiguration(shown, "it does not name a peft_type")
    }
    guard kind == "LORA" else { throw .adapterFeature(shown, "peft_type", .string(kind)) }
    rank = try Self.rank(object["r"] ?? 8, "r", shown)
    alpha = try Self.alpha(object["lora_alpha"] ?? 8, "lora_alpha", shown)
    if let value = object["lora_dropout"] {
      guard let share = value.double, (0...0.99).contains(share) else {
        throw .adapterConfiguration(
          shown, "lora_dropout must be a number from 0 to 0.99, not \(value.shortText)")
      }
      dropout = share
    }
    if let value = object["use_rslora"], value != .null {
      guard let flag = value.boolean else {
        throw .adapterConfiguration(shown, "use_rslora must be true or false")
      }
      usesRankStabilisedScale = flag
    }
    rankExceptions = try Self.exceptions(object, "rank_pattern", shown, Self.rank)
    alphaExceptions = try Self.exceptions(object, "alpha_pattern", shown, Self.alpha)
    targets = try Self.targets(object["target_modules"] ?? .null, shown)
    try Self.refuseOthers(object, shown)
  }

  private static func rank(
    _ value: JSONValue, _ name: String, _ shown: String
  ) throws(Diagnostic) -> Int {
    guard let rank = value.integer, (1...rankLimit).contains(rank) else {
      throw .adapterConfiguration(
        shown, "\(name) must be an integer from 1 to \(rankLimit), not \(value.shortText)")
    }
    return rank
  }

  private static func alpha(
    _ value: JSONValue, _ name: String, _ shown: String
  ) throws(Diagnostic) -> Double {
    guard let alpha = value.double, abs(alpha) <= 1e6 else {
      throw .adapterConfiguration(
        shown, "\(name) must be a number up to a million, not \(value.shortText)")
    }
    return alpha
  }

  private static func exceptions<Value>(
    _ object: JSONObject, _ name: String, _ shown: String,
    _ read: (JSONValue, String, String) throws(Diagnostic) -> Value
  ) throws(Diagnostic) -> [Exception<Value>] {
    guard let value = object[name], value != .null else { return [] }
    guard let patterns = value.object, patterns.count <= 100_000 else {
      throw .adapterConfiguration(shown, "\(name) is no object")
    }
    var exceptions: [Exception<Value>] = []
    for (key, value) in patterns.members {
      // Keys are regular expressions in peft; only plain paths mean the same here.
      guard isPlainPath(key) else { throw .adapterFeature(shown, name, .string(key)) }
      exceptions.append(Exception(key, try read(value, "\(name) '\(key.prefix(80))'", shown)))
    }
    return exceptions
  }

  private static func targets(
    _ value: JSONValue, _ shown: String
  ) throws(Diagnostic) -> [String] {
    if value == .null { return [] }
    if value == .string(allLinear) { return [allLinear] }
    guard let list = value.array else {
      throw .adapterFeature(shown, "target_modules", value)
    }
    guard list.count <= 100_000 else {
      throw .adapterConfiguration(shown, "target_modules lists \(list.count) modules")
    }
    var names: [String] = []
    for item in list {
      guard let name = item.string, isPlainPath(name) else {
        throw .adapterFeature(shown, "target_modules", item)
      }
      names.append(name)
    }
    return names
  }

  private static func isPlainPath(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 1000
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0)
          || (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) || $0 == UInt8(ascii: "_")
          || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
      }
  }

  /// Members that are read above, or that change nothing once an adapter is trained.
  private static let harmless: Set<String> = [
    "peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "rank_pattern", "alpha_pattern",
    "target_modules", "base_model_name_or_path", "revision", "task_type", "inference_mode",
    "peft_version", "auto_mapping", "fan_in_fan_out", "runtime_config", "eva_config",
    "ensure_weight_tying", "qalora_group_size", "megatron_core",
  ]

  /// Whatever else is switched on would compute something else.
  private static func refuseOthers(_ object: JSONObject, _ shown: String) throws(Diagnostic) {
    for (name, value) in object.sorted where !harmless.contains(name) {
      switch (name, value) {
      case ("bias", .string("none")), (_, .null), (_, .boolean(false)): continue
      // These change the base's weights as well; others only how training began.
      case ("init_lora_weights", .boolean(true)), ("init_lora_weights", .string("gaussian")),
        ("init_lora_weights", .string("eva")), ("init_lora_weights", .string("orthogonal")):
        continue
      case (_, .object(let members)) where members.count == 0: continue
      case (_, .array(let items)) where items.isEmpty: continue
      default: throw .adapterFeature(shown, name, value)
      }
    }
  }

  /// What we write: enough for peft, and no version or host.
  ///
  /// - Parameters:
  ///   - baseName: where peft finds the base model; nil if it has no name.
  ///   - fansInFirst: the base keeps its matrices as [in, out] (GPT-2).
  ///   - task: peft's name of the task, such as `CAUSAL_LM`.
  public func json(baseName: String?, fansInFirst: Bool, task: String?) -> JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    return .object([
      "alpha_pattern": .object(
        JSONObject(alphaExceptions.map { ($0.module, Self.number($0.value)) })),
      "base_model_name_or_path": text(baseName),
      "bias": "none",
      "fan_in_fan_out": .boolean(fansInFirst),
      "inference_mode": true,
      "init_lora_weights": true,
      "layers_pattern": .null,
      "layers_to_transform": .null,
      "lora_alpha": Self.number(alpha),
      "lora_dropout": .number(dropout),
      "modules_to_save": .null,
      "peft_type": "LORA",
      "r": .integer(rank),
      "rank_pattern": .object(
        JSONObject(rankExceptions.map { ($0.module, .integer($0.value)) })),
      "target_modules": .array(targets.map { .string($0) }),
      "task_type": text(task),
      "use_dora": false,
      "use_rslora": .boolean(usesRankStabilisedScale),
    ])
  }

  /// peft keeps a whole α as an integer.
  private static func number(_ value: Double) -> JSONValue {
    value == value.rounded() ? .integer(Int(value)) : .number(value)
  }
}
