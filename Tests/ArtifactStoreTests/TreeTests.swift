import Diagnostics
import Testing

@testable import ArtifactStore

@Suite struct TreeTests {
  private let a = String(repeating: "a", count: 64)

  @Test func goldenText() throws {
    let tree = try Tree([
      .init(path: "run me.sh", isExecutable: true, size: 7, digest: digest("b")),
      .init(path: "a\n[\"x\",\"file\",1,\"\(a)\"]", size: 1, digest: digest("a")),
      .init(path: "deep/é.txt", size: 0, digest: digest("c")),
    ])
    let text = String(decoding: tree.bytes, as: UTF8.self)
    #expect(
      text == """
        plumb.tree/1
        ["a\\n[\\"x\\",\\"file\\",1,\\"\(a)\\"]","file",1,"\(a)"]
        ["deep/é.txt","file",0,"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"]
        ["run me.sh","executable",7,"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]

        """)
    #expect(try Tree(parsing: tree.bytes) == tree)
    #expect(tree.size == 8)
  }

  @Test func emptyFolder() throws {
    #expect(try Tree([]).bytes == Array("plumb.tree/1\n".utf8))
    #expect(try Tree(parsing: Array("plumb.tree/1\n".utf8)).entries.isEmpty)
  }

  /// Paths that could lead out of the folder, be two files, or be none.
  @Test(arguments: [
    "", "/etc/passwd", "..", "../x", "a/../../x", "a/..", ".", "./a", "a/./b", "a//b", "a/", "/",
    "a\0b", String(repeating: "n", count: 256), String(repeating: "dir/", count: 1100) + "f",
  ])
  func hostilePathsAreRefused(_ path: String) {
    let found = id { _ = try Tree([.init(path: path, size: 1, digest: digest("a"))]) }
    #expect(found == "store-tree-damaged")
  }

  @Test func hostileTreesAreRefused() {
    func line(_ path: String, _ type: String = "file", _ size: String = "1") -> String {
      "[\"\(path)\",\"\(type)\",\(size),\"\(a)\"]\n"
    }
    let head = "plumb.tree/1\n"
    let texts = [
      "", "plumb.tree/1", "plumb.tree/2\n", "\n" + head, head + "\n", head + line("a") + "\n",
      head + String(line("a").dropLast()), head + line("b") + line("a"),
      head + line("a") + line("a"), head + line("../a"), head + line("/a"), head + line("a/../b"),
      head + line("a") + line("a/b"), head + line("a") + line("a-b") + line("a/b"),
      head + line("\u{E9}") + line("e\u{301}"), head + line("e\u{301}") + line("\u{E9}"),
      head + line("a", "link"), head + line("a", "folder"), head + line("a", "file", "-1"),
      head + line("a", "file", "1.0"), head + line("a", "file", "1e3"),
      head + line("a", "file", "99999999999999999999"),
      head + line("a", "file", "9223372036854775807") + line("b"),
      head + line("a", "file", "\"1\""), head + line("a").replacing(",", with: ", "),
      head + line("\\u0061"), head + line("a\\u0000b"), head + "[\"a\",\"file\",1]\n",
      head + "[\"a\",\"file\",1,\"\(a.uppercased())\"]\n",
      head + "[\"a\",\"file\",1,\"\(a)\",1]\n", head + "{}\n", head + line("a").dropLast() + "\r\n",
      head + String(repeating: "[", count: 100_000) + "\n",
    ]
    for text in texts {
      #expect(
        id { _ = try Tree(parsing: Array(text.utf8)) } == "store-tree-damaged",
        "\(text.prefix(200))")
    }
    #expect(id { _ = try Tree(parsing: Array(head.utf8) + [0xFF, 0x0A]) } == "store-tree-damaged")
  }
}
