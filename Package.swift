// swift-tools-version: 6.2
// The rooms of the house. Arrows point down only; the floors are drawn in
// Sources/plumb/Documentation.docc/Architecture.md.
import PackageDescription

// Kernels are compiled for the CPU of the machine that builds. On a cluster of unlike machines set
// PLUMB_MARCH to what all of them have, for example `PLUMB_MARCH=x86-64-v3`.
let march = Context.environment["PLUMB_MARCH"] ?? "native"

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let vectorised: [SwiftSetting] = [
  // Without -fno-math-errno a square root is a call, and the loop around it does not vectorise.
  .unsafeFlags([
    "-Xcc", "-march=\(march)", "-Xcc", "-mprefer-vector-width=512", "-Xcc", "-fno-math-errno",
  ])
]
/// Numeric targets are optimised in debug builds too, so that tests stay fast.
let numeric = strict + vectorised + [.unsafeFlags(["-O"])]
/// Only for loops on raw pointers: failed preconditions and overflows pass silently here.
let unchecked = strict + vectorised + [.unsafeFlags(["-Ounchecked"])]

func room(
  _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict,
  resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict,
  excluding: [String] = []
) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.byName(name: name)] + dependencies,
    exclude: excluding, swiftSettings: settings)
}

let package = Package(
  name: "plumb",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "plumb", targets: ["plumb"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // Ground: what Swift cannot call by itself.
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CLinux"),
    // No contraction: a fused multiply-add stands where it is written and nowhere else.
    .target(
      name: "CKernels",
      cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-march=\(march)"])]),
    // Both libraries report errors by longjmp, which must never cross Swift.
    .target(
      name: "CImageCodecs",
      linkerSettings: [.linkedLibrary("png16"), .linkedLibrary("jpeg")]),

    // Words that every floor uses.
    room("Diagnostics"),
    room("CanonicalJSON", ["Diagnostics"], settings: numeric),
    room("Randomness", settings: numeric),

    // Engine.
    room("YAMLSyntax", ["CLibYAML", "Diagnostics"]),
    room("Pipelines", ["YAMLSyntax", "CanonicalJSON", "Diagnostics"]),
    room(
      "ArtifactStore",
      ["CLinux", "CanonicalJSON", "Diagnostics", .product(name: "Crypto", package: "swift-crypto")]),
    // A cluster's commands: their words, their answers, what is written down before they are called.
    room("Slurm", ["CLinux", "CanonicalJSON", "Diagnostics"]),
    room(
      "Scheduling",
      [
        "CLinux", "Pipelines", "ArtifactStore", "Slurm", "Randomness", "CanonicalJSON",
        "Diagnostics",
      ]),

    // Learning.
    room("Kernels", ["CKernels"], settings: unchecked),
    room("Tensors", ["Kernels", "COpenBLAS", "Randomness"], settings: numeric),
    room("Networks", ["Tensors", "Kernels", "Randomness"], settings: numeric),
    room("ModelFiles", ["Kernels", "CanonicalJSON", "Diagnostics"], settings: numeric),
    room("Tokenizers", ["CanonicalJSON", "Diagnostics"], settings: numeric),
    room(
      "LanguageModels",
      [
        "Networks", "Tensors", "Kernels", "ModelFiles", "Randomness", "CanonicalJSON",
        "Diagnostics",
      ],
      settings: numeric),
    room(
      "Corpora", ["Randomness", "CanonicalJSON", "YAMLSyntax", "Diagnostics"], settings: numeric),
    room("Statistics", ["Randomness", "Diagnostics"], settings: numeric),
    room("Estimation", ["Randomness"], settings: numeric),
    // What trained models hold: units that follow a score, updates projected on a bias.
    room(
      "ModelAnalysis",
      [
        "LanguageModels", "Networks", "Tensors", "Kernels", "ModelFiles", "Tokenizers", "Corpora",
        "Statistics", "Randomness", "CanonicalJSON", "Diagnostics",
      ],
      settings: numeric),
    // What trained models are made to hold: edits of weights by learnt gradient transforms.
    room(
      "ModelEditing",
      [
        "LanguageModels", "Networks", "Tensors", "Kernels", "ModelFiles", "Randomness",
        "CanonicalJSON", "Diagnostics",
      ],
      settings: numeric),
    // Seeing.
    room("Imaging", ["CImageCodecs", "Diagnostics"], settings: numeric),
    room(
      "BlurDetection",
      ["Imaging", "Tensors", "Statistics", "Randomness", "CanonicalJSON", "Diagnostics"],
      settings: numeric),
    room("SkyRendering", ["Imaging", "Randomness", "Diagnostics"], settings: numeric),

    // Where both meet.
    room(
      "Reports",
      [
        "Statistics", "CanonicalJSON", "Diagnostics",
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      resources: [.embedInCode("Templates")]),
    // From scores of many chains to claims with intervals, nulls and other explanations.
    room(
      "DriftAnalysis",
      ["Reports", "Statistics", "Corpora", "Randomness", "CanonicalJSON", "Diagnostics"],
      settings: numeric),
    // Big Five traits in what a model writes and in what it answers.
    room(
      "Personality",
      ["Reports", "Statistics", "Corpora", "Randomness", "CanonicalJSON", "Diagnostics"],
      settings: numeric),
    room(
      "StageLibrary",
      [
        "CLinux", "Scheduling", "LanguageModels", "ModelFiles", "Tokenizers", "Corpora",
        "Statistics",
        "Estimation", "ModelAnalysis", "ModelEditing", "DriftAnalysis", "Personality", "Imaging",
        "BlurDetection", "SkyRendering", "Reports", "Networks", "Tensors", "ArtifactStore",
        "YAMLSyntax", "Randomness", "CanonicalJSON", "Diagnostics",
      ]),
    // What recorded runs say beside each other: causes, differences, histories, traces.
    room(
      "RunHistory",
      [
        "Scheduling", "Pipelines", "ArtifactStore", "ModelFiles", "Reports", "CanonicalJSON",
        "Diagnostics",
      ], settings: numeric),
    // Text for a person at a terminal: pure functions from states to lines.
    room("Console", ["Diagnostics"]),
    .executableTarget(
      name: "plumb",
      dependencies: [
        "Console", "RunHistory", "StageLibrary", "Scheduling", "Pipelines", "ArtifactStore",
        "YAMLSyntax",
        "Reports", "Tensors", "ModelFiles", "LanguageModels", "Tokenizers", "Corpora", "Statistics",
        "CanonicalJSON", "Diagnostics", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "plumb-bench",
      dependencies: [
        "LanguageModels", "Networks", "Tensors", "Kernels", "ModelFiles", "Tokenizers", "Imaging",
        "BlurDetection", "Randomness", "CanonicalJSON", "Diagnostics",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["peers"],
      swiftSettings: numeric),

    // Test helpers.
    .executableTarget(
      name: "scheduling-test-worker",
      dependencies: [
        "Scheduling", "Pipelines", "ArtifactStore", "CanonicalJSON", "Diagnostics",
      ],
      swiftSettings: strict),

    tests("Diagnostics"),
    tests("CanonicalJSON", ["Diagnostics"]),
    tests("Randomness"),
    tests("YAMLSyntax", ["CanonicalJSON", "Diagnostics"], excluding: ["yaml-test-suite.tsv"]),
    tests(
      "Pipelines", ["YAMLSyntax", "Diagnostics"], excluding: ["invalid-manifests", "fixtures"]),
    tests("ArtifactStore", ["CanonicalJSON", "Diagnostics"]),
    tests("Slurm", ["CanonicalJSON"]),
    tests(
      "Scheduling",
      [
        "scheduling-test-worker", "Slurm", "Pipelines", "ArtifactStore", "CLinux", "Randomness",
        "CanonicalJSON", "Diagnostics",
      ]),
    tests("Tensors", ["Kernels", "Randomness"], settings: numeric),
    tests(
      "Networks", ["Tensors", "Kernels", "Randomness"], settings: numeric, excluding: ["fixtures"]),
    tests("ModelFiles", ["Kernels", "CanonicalJSON", "Diagnostics"], excluding: ["fixtures"]),
    tests("Tokenizers", ["CanonicalJSON", "Diagnostics"], excluding: ["fixtures"]),
    tests(
      "LanguageModels",
      [
        "Networks", "Tensors", "Kernels", "ModelFiles", "Randomness", "CanonicalJSON",
        "Diagnostics",
      ],
      settings: numeric, excluding: ["fixtures"]),
    tests(
      "Corpora", ["Randomness", "CanonicalJSON", "Diagnostics"], excluding: ["fixtures"]),
    tests("Statistics", ["Randomness", "Diagnostics"], excluding: ["fixtures"]),
    tests("Estimation", ["Statistics", "Randomness"], settings: numeric),
    tests(
      "ModelAnalysis",
      [
        "LanguageModels", "Networks", "Tensors", "ModelFiles", "Tokenizers", "Corpora",
        "Statistics", "Randomness", "CanonicalJSON", "Diagnostics",
      ],
      settings: numeric, excluding: ["fixtures"]),
    tests(
      "ModelEditing",
      [
        "LanguageModels", "Networks", "Tensors", "ModelFiles", "Randomness", "CanonicalJSON",
        "Diagnostics",
      ],
      settings: numeric, excluding: ["fixtures"]),
    tests("Imaging", ["CImageCodecs", "Diagnostics"], settings: numeric, excluding: ["fixtures"]),
    tests(
      "BlurDetection",
      ["Imaging", "SkyRendering", "Statistics", "Randomness", "CanonicalJSON", "Diagnostics"],
      settings: numeric, excluding: ["fixtures"]),
    tests("SkyRendering", ["Imaging", "Randomness", "Diagnostics"], settings: numeric),
    tests(
      "Personality",
      ["Reports", "Statistics", "Corpora", "Randomness", "CanonicalJSON", "Diagnostics"],
      settings: numeric, excluding: ["fixtures"]),
    tests(
      "DriftAnalysis",
      ["Reports", "Statistics", "Corpora", "Randomness", "CanonicalJSON", "Diagnostics"],
      settings: numeric, excluding: ["fixtures"]),
    tests("Reports", ["Statistics", "Randomness", "CanonicalJSON", "Diagnostics"]),
    tests(
      "RunHistory",
      [
        "Scheduling", "Pipelines", "ArtifactStore", "ModelFiles", "Reports", "CanonicalJSON",
        "Diagnostics",
      ]),
    tests("Console"),
    tests(
      "StageLibrary",
      [
        "Scheduling", "Pipelines", "ArtifactStore", "Corpora", "Statistics", "Imaging",
        "BlurDetection", "SkyRendering", "CanonicalJSON", "Diagnostics",
      ]),
    .testTarget(
      name: "EndToEndTests", dependencies: ["CanonicalJSON", "CLinux"],
      exclude: ["golden.json", "peers"],
      swiftSettings: strict),
  ]
)
