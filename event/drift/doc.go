// Package drift makes it visible when a body is not what its topic's type says:
// which documented fields are missing, which keys have no field, and which
// values are of another type.
//
// Decoding tolerates the first two, so that a provider's new key breaks no
// receiver. A receiver that wants to know compares the verified bytes:
//
//	differences, err := drift.Compare(topic.CleengPassCreated, receipt.Body)
//	for _, d := range differences {
//		logger.Info("webhook drifts", "topic", topic.CleengPassCreated, "difference", d.String())
//	}
//
// It knows the topics of the catalog.
package drift
