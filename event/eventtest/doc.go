// Package eventtest helps the unit tests of programs that emit or receive
// webhooks. It has example bodies of the catalog's topics, with made-up values
// and the keys that the public documentation shows, and assertions that go by it:
//
//	eventtest.AssertShape(t, topic.CleengPassCreated, body)     // is it as documented?
//	eventtest.AssertRoundTrip(t, topic.CleengPassCreated, body) // does it come back?
//	ev := eventtest.New(topic.CleengPassCreated)                // one with its fields filled in
//
// It imports the standard library only.
package eventtest
