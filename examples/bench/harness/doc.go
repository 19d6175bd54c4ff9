// Package harness is what programs share that measure delivery: a receiver in a
// process of its own, senders in processes of their own, and a report with
// targets.
//
// A program is its own children. Its main function begins with
//
//	if harness.IsChild(os.Args[1:]) {
//		harness.Exit("name", harness.Child(os.Args[1], send))
//	}
//
// and so does the TestMain of its tests. The parent starts a [Sink] and gives each
// sender its job with [Sink.Run]. The sender takes the [Cost] of its work with
// [Measure], and the sink says what has [Arrived].
package harness
