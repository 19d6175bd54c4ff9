// Package event holds one occurrence of a webhook: the [Event] interface that
// emitting and receiving sides share, the scalar types that provider payloads
// are made of, and the strict scan that runs before any payload is decoded.
package event
