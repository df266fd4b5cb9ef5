// The JSON Schema of manifests, for editors: written from the tables that the reader uses
// (KeyTable.swift) and from the stage definitions, so it knows every kind's ports and parameters.

import CanonicalJSON

/// JSON Schema (2020-12) of the manifest language.
public enum ManifestSchema {
  /// The schema for manifests that use the kinds of a catalog.
  public static func json(catalog: StageCatalog) -> JSONValue {
    let definitions = catalog.definitions
    var schema: [(String, JSONValue)] = [
      ("$schema", "https://json-schema.org/draft/2020-12/schema"),
      ("title", "Plumb manifest"),
    ]
    schema += table(.manifest, definitions).object!.members.map { ($0.key, $0.value) }
    return .object(JSONObject(schema))
  }

  private static func table(_ table: KeyTable, _ definitions: [StageDefinition]) -> JSONValue {
    let keys = table.keys
    let properties = keys.map { key -> (String, JSONValue) in
      let shape = described(shape(key.shape, definitions), key.summary)
      return (key.name, key.isRequired || key.isNeverEmpty ? shape : orEmpty(shape))
    }
    var members: [(String, JSONValue)] = [
      ("type", "object"),
      ("additionalProperties", false),
      ("properties", .object(JSONObject(properties))),
      ("required", .array(keys.filter(\.isRequired).map { .string($0.name) })),
    ]
    if table.key("uses") != nil {
      members[2].1 = .object(
        JSONObject(
          properties.map { name, value in
            guard name == "uses" else { return (name, value) }
            return (
              name,
              .object([
                "description": value["description"] ?? "",
                "enum": .array(definitions.map { .string($0.kind) }),
              ])
            )
          }))
      members.append(("allOf", .array(definitions.map(condition))))
    }
    return .object(JSONObject(members))
  }

  /// A key that may be left out may also be left empty.
  private static func orEmpty(_ schema: JSONValue) -> JSONValue {
    .object(["anyOf": [schema, .object(["type": "null"])]])
  }

  private static func described(_ schema: JSONValue, _ text: String) -> JSONValue {
    guard !text.isEmpty, let object = schema.object else { return schema }
    return .object(
      JSONObject(object.members.map { ($0.key, $0.value) } + [("description", .string(text))]))
  }

  private static func shape(
    _ shape: KeyTable.Shape, _ definitions: [StageDefinition]
  ) -> JSONValue {
    switch shape {
    case .constant(let value): .object(["const": .integer(value)])
    case .name(let rule): .object(["type": "string", "pattern": .string(rule.pattern)])
    case .text: .object(["type": "string"])
    case .boolean: .object(["type": "boolean"])
    case .number: .object(["type": "number"])
    case .integer(let least): .object(["type": "integer", "minimum": .integer(least)])
    case .choice(let values): .object(["enum": .array(values.map { .string($0) })])
    case .scalar: scalar
    case .value: value
    case .pattern(let pattern):
      .object(["type": "string", "pattern": .string("\(pattern)|\(KeyTable.substitutionPattern)")])
    case .list(let item): .object(["type": "array", "items": Self.shape(item, definitions)])
    case .table(let table): Self.table(table, definitions)
    case .named(let rule, let value):
      .object([
        "type": "object", "propertyNames": .object(["pattern": .string(rule.pattern)]),
        "additionalProperties": Self.shape(value, definitions),
      ])
    case .either(let shapes): .object(["anyOf": .array(shapes.map { Self.shape($0, definitions) })])
    case .matrix: matrix
    case .inputs: .object(["type": "object"])
    case .with: .object(["type": "object"])
    case .anything: true
    }
  }

  private static let scalar: JSONValue = .object(["type": ["boolean", "number", "string"]])
  private static let value: JSONValue = .object([
    "anyOf": [scalar, .object(["type": "array", "items": scalar])]
  ])

  private static var matrix: JSONValue {
    let name: JSONValue = .object(["pattern": .string(NameRule.axis.pattern)])
    let tuples: JSONValue = .object([
      "type": "array",
      "items": .object([
        "type": "object", "minProperties": 1, "propertyNames": name,
        "additionalProperties": scalar,
      ]),
    ])
    let words = KeyTable.matrixWords.map { word in
      (word.name, described(tuples, word.summary))
    }
    return .object([
      "type": "object", "minProperties": 1, "propertyNames": name,
      "properties": .object(JSONObject(words)),
      "additionalProperties": .object([
        "anyOf": [
          .object(["type": "array", "minItems": 1, "items": scalar]),
          .object([
            "type": "string",
            "pattern": .string(
              #"\.\.|^[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*$|^\$\(params\."#),
          ]),
        ]
      ]),
    ])
  }

  // MARK: Stage kinds

  /// `if uses is this kind, then its inputs and parameters`.
  private static func condition(_ definition: StageDefinition) -> JSONValue {
    let requiredInputs = definition.inputs.filter { !$0.isOptional }.map(\.name)
    let requiredParameters = definition.parameters.filter(\.isRequired).map(\.name)
    var required: [JSONValue] = []
    if !requiredInputs.isEmpty { required.append("inputs") }
    if !requiredParameters.isEmpty { required.append("with") }
    func members(_ properties: [(String, JSONValue)], required: [String]) -> JSONValue {
      let object: JSONValue = .object([
        "type": "object", "additionalProperties": false,
        "properties": .object(JSONObject(properties)),
        "required": .array(required.map { .string($0) }),
      ])
      return required.isEmpty ? orEmpty(object) : object
    }
    return .object([
      "if": .object([
        "properties": .object(["uses": .object(["const": .string(definition.kind)])]),
        "required": ["uses"],
      ]),
      "then": .object([
        "properties": .object([
          "inputs": members(
            definition.inputs.map { ($0.name, input($0)) }, required: requiredInputs),
          "with": members(
            definition.parameters.map { ($0.name, parameter($0)) }, required: requiredParameters),
        ]),
        "required": .array(required),
      ]),
    ])
  }

  private static func input(_ port: PortDefinition) -> JSONValue {
    let expression: JSONValue = .object(["type": "string", "minLength": 1])
    let item: JSONValue =
      port.type == .files
      ? .object(["anyOf": [table(.file, []), expression]]) : expression
    let about = "\(port.type.name)\(port.isList ? ", a list" : ""). \(port.summary)"
    let shape: JSONValue =
      port.isList ? .object(["anyOf": [item, .object(["type": "array", "items": item])]]) : item
    return described(shape, about)
  }

  private static func parameter(_ parameter: ParameterDefinition) -> JSONValue {
    let substitution: JSONValue = .object([
      "type": "string", "pattern": .string(KeyTable.substitutionPattern),
    ])
    var about = parameter.summary
    if let unit = parameter.unit { about += about.isEmpty ? unit : " (\(unit))" }
    if let value = parameter.default { about += " Default: \(value)." }
    return described(
      .object(["anyOf": [type(parameter.type, parameter), substitution]]), about)
  }

  private static func type(
    _ type: ParameterType, _ parameter: ParameterDefinition
  ) -> JSONValue {
    var members: [(String, JSONValue)] = []
    switch type {
    case .boolean: members = [("type", "boolean")]
    case .string, .path: members = [("type", "string")]
    case .choice(let values): members = [("enum", .array(values.map { .string($0) }))]
    case .integer, .number:
      members = [("type", type == .integer ? "integer" : "number")]
      let bounds = [
        ("minimum", parameter.atLeast), ("exclusiveMinimum", parameter.above),
        ("maximum", parameter.atMost), ("exclusiveMaximum", parameter.below),
      ]
      for (key, bound) in bounds {
        if let bound { members.append((key, .number(bound))) }
      }
    case .list(let item):
      let single = Self.type(item, parameter)
      let substitution: JSONValue = .object([
        "type": "string", "pattern": .string(KeyTable.substitutionPattern),
      ])
      members = [("type", "array"), ("items", .object(["anyOf": [single, substitution]]))]
    }
    return .object(JSONObject(members))
  }
}
