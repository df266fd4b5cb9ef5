// Where an instance sits in the matrix of its stage, and the name that follows from it.

import CanonicalJSON

/// The values of one instance on the axes of its stage, in the order in which the axes were written.
public struct Coordinates: Sendable, Hashable {
  public let axes: [(name: String, value: CoordinateValue)]

  public init(_ axes: [(name: String, value: CoordinateValue)] = []) { self.axes = axes }

  /// The only instance of a stage without a matrix.
  public static let none = Coordinates()

  public subscript(axis: String) -> CoordinateValue? {
    axes.first { $0.name == axis }?.value
  }

  public var isEmpty: Bool { axes.isEmpty }

  /// An object with one member for each axis.
  public var json: JSONValue { .object(JSONObject(axes.map { ($0.name, $0.value.json) })) }

  public static func == (left: Self, right: Self) -> Bool {
    left.axes.count == right.axes.count
      && zip(left.axes, right.axes).allSatisfy { $0.name == $1.name && $0.value == $1.value }
  }

  public func hash(into hasher: inout Hasher) {
    for axis in axes {
      hasher.combine(axis.name)
      hasher.combine(axis.value)
    }
  }
}

extension Coordinates: CustomStringConvertible {
  /// `strategy=preserve,generation=2`, empty without axes.
  public var description: String {
    axes.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
  }
}

/// The name of an instance: `train[strategy=preserve,generation=2]`, or just `real`.
public struct InstanceID: Sendable, Hashable, CustomStringConvertible {
  public let stage: String
  public let coordinates: Coordinates

  public init(stage: String, coordinates: Coordinates = .none) {
    self.stage = stage
    self.coordinates = coordinates
  }

  public var description: String {
    coordinates.isEmpty ? stage : "\(stage)[\(coordinates)]"
  }
}
