// Members of config.json with their ranges: what all families read them with.

import CanonicalJSON
import Diagnostics

/// `null` counts as absent.
struct ConfigurationMembers {
  let object: JSONObject
  let shown: String

  init(_ json: JSONValue, shown: String) throws(Diagnostic) {
    guard let object = json.object else {
      throw .modelConfiguration(shown, "it is no JSON object")
    }
    self.object = object
    self.shown = shown
  }

  init(object: JSONObject, shown: String) {
    self.object = object
    self.shown = shown
  }

  func value(_ name: String) -> JSONValue? {
    guard let value = object[name], value != .null else { return nil }
    return value
  }

  /// **Throws**: `model-config`, and `model-family` if it is none of `families`.
  func family(among families: [String]) throws(Diagnostic) -> String {
    guard let family = object["model_type"]?.string else {
      throw .modelConfiguration(shown, "it does not name a model_type")
    }
    guard families.contains(family) else { throw .modelFamily(shown, family) }
    return family
  }

  func integer(_ name: String, _ preset: Int, in range: ClosedRange<Int>) throws(Diagnostic) -> Int
  {
    try optionalInteger(name, in: range) ?? preset
  }

  func optionalInteger(_ name: String, in range: ClosedRange<Int>) throws(Diagnostic) -> Int? {
    guard let value = value(name) else { return nil }
    guard let number = value.integer, range.contains(number) else {
      throw .modelConfiguration(
        shown,
        "\(name) must be an integer from \(range.lowerBound) to \(range.upperBound), not "
          + value.shortText)
    }
    return number
  }

  func number(
    _ name: String, _ preset: Double, in range: ClosedRange<Double>
  ) throws(Diagnostic) -> Double {
    try optionalNumber(name, in: range) ?? preset
  }

  func optionalNumber(
    _ name: String, in range: ClosedRange<Double>
  ) throws(Diagnostic) -> Double? {
    guard let value = value(name) else { return nil }
    guard let number = value.double, range.contains(number) else {
      throw .modelConfiguration(
        shown,
        "\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not "
          + value.shortText)
    }
    return number
  }

  func boolean(_ name: String, _ preset: Bool) throws(Diagnostic) -> Bool {
    guard let value = value(name) else { return preset }
    guard let flag = value.boolean else {
      throw .modelConfiguration(shown, "\(name) must be true or false, not " + value.shortText)
    }
    return flag
  }

  func text(_ name: String, _ preset: String) throws(Diagnostic) -> String {
    guard let value = value(name) else { return preset }
    guard let text = value.string else {
      throw .modelConfiguration(shown, "\(name) must be text, not " + value.shortText)
    }
    return text
  }

  /// A token of the vocabulary. The preset number may be none in a smaller vocabulary.
  func token(_ name: String, _ preset: Int?, vocabulary: Int) throws(Diagnostic) -> Int? {
    guard object[name] != nil else { return preset.flatMap { $0 < vocabulary ? $0 : nil } }
    return try optionalInteger(name, in: 0...(vocabulary - 1))
  }

  /// One token, a list of them, or none.
  func tokens(_ name: String, _ preset: Int, vocabulary: Int) throws(Diagnostic) -> [Int] {
    guard let list = value(name)?.array else {
      return try token(name, preset, vocabulary: vocabulary).map { [$0] } ?? []
    }
    guard list.count <= 1024 else {
      throw .modelConfiguration(shown, "\(name) lists \(list.count) tokens")
    }
    var tokens: [Int] = []
    for item in list {
      guard let token = item.integer, (0..<vocabulary).contains(token) else {
        throw .modelConfiguration(
          shown, "\(name) holds \(item.shortText), no token of a vocabulary of \(vocabulary)")
      }
      tokens.append(token)
    }
    return tokens
  }

  func require(_ name: String, _ expected: Bool) throws(Diagnostic) {
    guard let value = value(name) else { return }
    guard value == .boolean(expected) else { throw .modelFeature(shown, name, value) }
  }

  /// NF4 of bitsandbytes is read (NF4Files.swift); what other methods make of weights is not.
  func requireReadableQuantisation() throws(Diagnostic) {
    guard let value = value("quantization_config") else { return }
    let isNF4 =
      value["quant_method"] == "bitsandbytes" && value["bnb_4bit_quant_type"] == "nf4"
      && value["load_in_4bit"] == true
    guard isNF4 else { throw .modelFeature(shown, "quantization_config", value) }
  }

  /// Everything that is not named in `known`: kept, so that writing a model loses nothing of it.
  func others(than known: Set<String>) -> JSONObject {
    let stale = known.union(Self.stale)
    return JSONObject(object.sorted.filter { !stale.contains($0.key) }.map { ($0.key, $0.value) })
  }

  /// What would no longer be true of the files we write.
  private static let stale: Set<String> = [
    "architectures", "model_type", "torch_dtype", "dtype", "transformers_version",
    "_name_or_path", "_commit_hash", "auto_map", "quantization_config",
  ]
}

extension ConfigurationMembers {
  /// The members of `config.json` among a model's files.
  ///
  /// **Throws**: `model-file-missing`, `file-unreadable`, `json-syntax`, `model-config`.
  static func json(files: [String: String]) throws(Diagnostic) -> (json: JSONValue, path: String) {
    guard let path = files["config.json"] else {
      throw .modelFileMissing("config.json", among: files.keys.sorted(by: bytesPrecede))
    }
    let file = try MappedFile(at: path)
    guard file.bytes.count <= 1 << 24 else {
      throw .modelConfiguration(
        path, "config.json has \(file.bytes.count) bytes, the limit is 16 MiB")
    }
    return (try JSONValue(parsing: SourceText(path: path, bytes: file.copy())), path)
  }
}

extension JSONValue {
  /// For messages: a hostile value must not fill the screen.
  var shortText: String {
    let text = canonicalText
    return text.utf8.count <= 80 ? text : String(text.prefix(77)) + "…"
  }

  /// Our members, and those of `others` that are not among them.
  static func merged(_ own: [(String, JSONValue)], others: JSONObject) -> JSONValue {
    var members = own
    let names = Set(members.map(\.0))
    members += others.members.filter { !names.contains($0.key) }.map { ($0.key, $0.value) }
    return .object(JSONObject(members))
  }
}
