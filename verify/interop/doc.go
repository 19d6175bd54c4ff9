// Package interop has no code: its tests hold packages sign and verify against
// code that others wrote, over HTTP on loopback, which is why it is a module of
// its own. What we sign is verified by the official npm packages of the
// providers, by PHP and by OpenSSL, and what they sign is verified by us:
//
//	go test ./...
//
// It needs node and npm, php and openssl. Where one is missing its test is
// skipped, and fails if the environment variable CI is set. The npm packages,
// at the versions of node/package-lock.json, are installed into the module's own
// node_modules when they are not there.
//
// A receiver and a sender in the other language run for the length of a test.
// The receiver answers 200 to what its package accepts, 401 to what it refuses
// and 500 to anything else, so that a mistake in the receiver cannot pass for a
// refusal. The sender reads one JSON object a line, signs, posts to us, and says
// what its own package thinks of what it sent.
package interop
