// How pleasant an emoji is: a short list fixed beforehand, so that no result can shape it.

extension Emoji {
  /// +1 pleasant, −1 unpleasant, 0 neither; nil for an emoji that the list lacks. Skin tone and
  /// presentation play no part.
  ///
  /// **Source**: our own coarse assignment of 120 common emoji; no lexicon of ratings is behind it.
  public static func valence(_ emoji: String) -> Int? {
    let plain = String(
      String.UnicodeScalarView(
        emoji.unicodeScalars.filter {
          $0.value != 0xFE0F && !(0x1F3FB...0x1F3FF).contains($0.value)
        }))
    if pleasant.contains(plain) { return 1 }
    if unpleasant.contains(plain) { return -1 }
    return neither.contains(plain) ? 0 : nil
  }

  private static let pleasant = words(
    "😀 😃 😄 😁 😆 😅 😂 🤣 😊 😇 🙂 😉 😍 🥰 😘 😋 😎 🤩 🥳 🤗 😌 🤠 😺 💖 💕 💗 💙 💚 💛 💜 🧡 ❤ 💯 ✨ 🌟 ⭐ "
      + "🎉 🎊 🎈 🎁 🙌 👏 👍 💪 🤝 🙏 💃 🕺 🌈 🌞 ☀ 🌸 🌺 🌹 🍀 🎶 🎵 🏆 🥇 🔥 😻 ☺ 🤟 ✌ 🥂 🍻 🎂 🌻 💫 😜 😝 🤪")
  private static let unpleasant = words(
    "😞 😔 😟 🙁 ☹ 😣 😖 😫 😩 😢 😭 😤 😠 😡 🤬 😨 😰 😥 😓 😱 😳 😒 😬 🤢 🤮 🤒 🤕 💔 👎 💩 😪 😿 🙄 😵 💀 ☠ 😧 😦 👿 😾")
  private static let neither = words("😐 😑 😶 🤔 🤷 👀 💭 💡 📚 📝 📌 🌍 🌎 🌏 ☁ 🍕 ☕ 🎨 🎭 🎬 🚀")

  private static func words(_ text: String) -> Set<String> {
    Set(text.split(separator: " ").map(String.init))
  }
}
