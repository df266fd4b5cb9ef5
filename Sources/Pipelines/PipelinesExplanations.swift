public let pipelinesExplanations: [(id: String, text: String)] = []
