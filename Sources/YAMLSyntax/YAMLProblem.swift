// libyaml's words for syntax errors, and the way out of the ones that people meet.

enum YAMLProblem {
  static func message(_ problem: String) -> String {
    switch problem {
    case "did not find expected ',' or '}'": "expected ',' or '}'"
    case "did not find expected ',' or ']'": "expected ',' or ']'"
    case "did not find expected key": "expected a key here"
    case "did not find expected '-' indicator": "expected a list item ('- …') here"
    case "could not find expected ':'": "expected ':' after the key"
    case "mapping values are not allowed in this context": "a ':' cannot stand here"
    case "found character that cannot start any token": "a value cannot begin with this character"
    case "found unexpected end of stream": "the file ends inside quotes"
    case "did not find expected alphabetic or numeric character": "'*' or '&' needs a name here"
    default: problem
    }
  }

  static func help(_ problem: String, context: String, byte: UInt8?) -> String? {
    switch problem {
    case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
      if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") || byte == UInt8(ascii: ".")
        || byte == UInt8(ascii: "]")
      {
        return "inside {…} or […] an expression that holds '[' or ',' must be in quotes: "
          + "\"score[*].metrics\""
      }
      return "a bracket is not closed, or a comma is missing"
    case "did not find expected key", "did not find expected '-' indicator":
      return "check the indentation: members of one mapping or list begin in the same column"
    case "could not find expected ':'":
      return "write 'key: value', with a space after the colon"
    case "mapping values are not allowed in this context":
      return "check the indentation, or put text that holds ': ' in quotes"
    case "found character that cannot start any token": return "put the text in quotes"
    case "found unexpected end of stream": return "close the quotes"
    case "did not find expected <document start>":
      return "the value ended before this: check the indentation"
    case "did not find expected alphabetic or numeric character":
      return "inside {…} or […] an expression that holds '*' must be in quotes: "
        + "\"score[*].metrics\""
    default: return nil
    }
  }
}
