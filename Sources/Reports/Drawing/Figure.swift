// What is to be drawn, free of how: FigureScript.swift turns figures into gnuplot's language,
// Gnuplot.swift runs it, FigureSVG.swift makes the result fit into a page.

/// One chart with everything a reader needs to understand it.
///
/// Values that are not finite are no points: they leave a gap.
public struct Figure: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    /// Points joined by lines, intervals as ribbons.
    case lines
    /// Points alone; use ``Series/init(binned:name:style:x:y:)`` for thousands.
    case scatter
    /// A bar for each series in each category; x is the index of the category. Intervals as whiskers.
    case bars
    /// Bars without gaps around x; see ``Series/init(histogramOf:name:from:to:bins:)``.
    case histogram
  }

  public enum Scale: String, Sendable, CaseIterable { case linear, log }

  public var kind: Kind
  /// Unique in its section: lower-case letters, digits, hyphens.
  public var id: String
  public var title: String
  /// With the unit in brackets.
  public var xLabel: String
  /// With the unit in brackets.
  public var yLabel: String
  /// Logarithmic axes leave out what is not positive.
  public var xScale: Scale
  public var yScale: Scale
  /// Names along x of a bar chart.
  public var categories: [String]
  public var series: [Series]
  /// Says what is plotted, n, and what the interval is.
  public var caption: String
  /// Lines to compare with.
  public var references: [Reference]
  /// Ticks at the whole numbers only.
  public var wholeX: Bool
  /// Must be visible on the y axis, such as 0.
  public var include: [Double]
  /// Both axes from 0 to 1 with a diagonal: a reliability diagram.
  public var isUnitSquare: Bool
  public var drawsMarkers: Bool

  public init(
    _ kind: Kind = .lines, id: String, title: String, xLabel: String, yLabel: String,
    xScale: Scale = .linear, yScale: Scale = .linear, categories: [String] = [], series: [Series],
    caption: String, references: [Reference] = [], wholeX: Bool = false, include: [Double] = [],
    isUnitSquare: Bool = false, drawsMarkers: Bool = true
  ) {
    self.kind = kind
    self.id = id
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.xScale = xScale
    self.yScale = yScale
    self.categories = categories
    self.series = series
    self.caption = caption
    self.references = references
    self.wholeX = wholeX
    self.include = include
    self.isUnitSquare = isUnitSquare
    self.drawsMarkers = drawsMarkers
  }

  public struct Series: Sendable, Equatable {
    public var name: String
    /// Nil: chosen by the name, see ``Style/styles(for:)``.
    public var style: Style?
    public var points: [Point]

    public init(name: String, style: Style? = nil, points: [Point]) {
      self.name = name
      self.style = style
      self.points = points
    }
  }

  public struct Point: Sendable, Equatable {
    public var x: Double
    public var y: Double
    public var low: Double?
    public var high: Double?
    /// How many things stand behind it; larger in a scatter.
    public var count: Int

    public init(x: Double, y: Double, low: Double? = nil, high: Double? = nil, count: Int = 1) {
      self.x = x
      self.y = y
      self.low = low
      self.high = high
      self.count = count
    }
  }

  /// A line across the figure.
  public struct Reference: Sendable, Equatable {
    public enum Line: String, Sendable, CaseIterable { case horizontal, vertical }

    public var name: String
    public var line: Line
    public var value: Double

    /// Horizontal at y.
    public init(name: String, y: Double) {
      self.name = name
      line = .horizontal
      value = y
    }

    /// Vertical at x.
    public init(name: String, x: Double) {
      self.name = name
      line = .vertical
      value = x
    }
  }
}
