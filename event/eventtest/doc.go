// Package eventtest helps the unit tests of programs that emit or receive
// webhooks. It has example bodies of the catalog's topics, with made-up values
// and the keys that the public documentation shows:
//
//	ev, err := cleeng.Decode(eventtest.Sample(topic.CleengPassCreated))
//
// It imports the standard library only.
package eventtest
