// The pages behind this room's diagnostic ids.

public let schedulingExplanations: [(id: String, text: String)] = []
