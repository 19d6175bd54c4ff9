// Package topic holds the names: every webhook topic of Cleeng, InPlayer and
// ConsCent, patterns to select among them, and a catalog that says what is
// publicly documented about each.
//
// A topic is written provider, colon, the provider's own name. The provider is
// part of the constant's name as well, so that two providers can use one word:
//
//	t := topic.InPlayerSubscribeSuccess // "inplayer:subscribe.success"
//	t.Provider()                        // topic.InPlayer
//	t.Name()                            // "subscribe.success"
//	topic.Pattern("*.success").Match(t) // true
//
// The catalog never claims more than was documented: [Info.Evidence] tells
// whether a whole payload, a part of it, or the name alone was published.
// Topics of a host's own ("acme:invoice.paid") are as good as those of the
// catalog; they just have no [Info].
package topic

//go:generate go run ./internal/gen
