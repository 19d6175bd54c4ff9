// Package schema has a JSON Schema (draft 2020-12) for every topic of the
// catalog, so that teams in other languages can check webhook bodies against the
// same types as programs that import package event:
//
//	document, ok := schema.For(topic.CleengPassCreated)
//
// A schema describes a whole body, the envelope included, and stands alone. Its
// title is the topic; its description says how much of the payload was
// published and where.
//
//   - Keys that a schema does not list are allowed, since a provider may add some.
//   - Where a whole payload was published, what all its whole examples have is
//     required. Elsewhere the envelope is, as far as every example shows it, and
//     nothing inside of the payload.
//   - Ids, amounts, flags and times have all the notations that package event
//     reads: a time is a whole number, or a string with RFC 3339, digits or nothing.
//   - InPlayer's bodies are forms. Their schemas describe what a form holds once
//     its keys are split at the brackets, where resource[email]=x is
//     {"resource": {"email": "x"}}, and every leaf is a string.
//
// The files are cleeng/<name>.json, inplayer/<name>.json and
// conscent/<name>.json. They are generated from the event structs.
package schema

//go:generate go run ../internal/schemagen
