// Package schematest has no code: its tests judge the schemas of package schema
// by a validator of JSON Schema, which is why it is a module of its own. Each
// example body of package eventtest is valid, and stays so exactly as long as
// package drift finds no value of another type and nothing required missing:
//
//	go test ./...
package schematest
