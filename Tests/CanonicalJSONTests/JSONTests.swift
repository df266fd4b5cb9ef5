import Diagnostics
import Testing

@testable import CanonicalJSON

@Suite struct JSONTests {
  @Test(arguments: [
    (#"{"b":1,"a":[true,null,-0.5,"x"]}"#, #"{"a":[true,null,-0.5,"x"],"b":1}"#),
    (#" [ 1 , 2.0 , 5e-05 , 1E3 ] "#, #"[1,2.0,5e-05,1000.0]"#),
    (#""\u00e9\ud83d\ude00\n\/""#, "\"é😀\\n/\""),
    // Composed and decomposed: equal to Swift, two keys in JSON.
    ("{\"\u{E9}\":1,\"e\u{301}\":2}", "{\"e\u{301}\":2,\"\u{E9}\":1}"),
    (#"18446744073709551616"#, #"1.8446744073709552e+19"#),
  ])
  func writesOneCanonicalText(text: String, canonical: String) throws {
    let value = try JSONValue(parsing: text)
    #expect(value.canonicalText.utf8.elementsEqual(canonical.utf8))
    #expect(try JSONValue(parsing: value.canonicalText) == value)
    #expect(try JSONValue(parsing: value.indentedText) == value)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{\"a\":1,\"a\":2}", "01", "1.", "-", "+1", ".5",
    "1e", "1e999", "tru", "nul", "\"", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\u12\"",
    "\"\n\"", "[1] 2", "NaN", "Infinity", "'a'", "[1 2]", "{1:2}", "\u{FEFF}1", "// c\n1",
  ])
  func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONFault.self) { try JSONValue(parsing: text) }
  }

  @Test func refusesDeepNestingAndInvalidUTF8() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONFault.self) { try JSONValue(parsing: deep) }
    let bytes: [UInt8] = [0x22, 0xC3, 0x28, 0x22]
    #expect(throws: Diagnostic.self) {
      try JSONValue(parsing: SourceText(path: "x.json", bytes: bytes))
    }
  }

  @Test func everyMutationIsReadOrRefused() {
    let seed = Array(#"{"a":[1,2.5e3,"q\u0041",null,true],"b":{"c":-1}}"#.utf8)
    var refused = 0
    for position in seed.indices {
      for byte in [0x00, 0x22, 0x5C, 0x7B, 0x5D, 0x2C, 0x65, 0xFF] as [UInt8] {
        var mutant = seed
        mutant[position] = byte
        let source = SourceText(path: "mutant", bytes: mutant)
        if (try? JSONValue(parsing: source)) == nil { refused += 1 }
        _ = try? JSONValue(parsing: SourceText(path: "cut", bytes: Array(mutant[..<position])))
      }
    }
    #expect(refused > 200)
  }

  @Test func faultsHaveAPlace() {
    let source = SourceText(path: "a.json", text: "{\n  \"a\": tru\n}")
    do {
      _ = try JSONValue(parsing: source)
      Issue.record("should have thrown")
    } catch {
      #expect(error.description.hasPrefix("a.json:2:11: error[json-syntax]"))
    }
  }
}
