package delivertest

// Trick is one way of a [Hostile] receiver to harm its sender. The zero value is
// none.
type Trick string

// What a hostile receiver does. Unless a trick says otherwise, it has read the
// whole request before, and speaks HTTP/1.1 in plain text. "For ever" ends when
// the client hangs up, or with the test.
const (
	// TrickRefuse: nobody listens.
	TrickRefuse Trick = "refuse"
	// TrickResetOnAccept: it resets the connection before it reads anything.
	TrickResetOnAccept Trick = "reset on accept"
	// TrickCloseOnAccept: it closes its side of the connection before it reads anything.
	TrickCloseOnAccept Trick = "close on accept"
	// TrickReset: it resets the connection instead of answering.
	TrickReset Trick = "reset"
	// TrickHalfClose: it closes its side of the connection instead of answering, and goes on reading.
	TrickHalfClose Trick = "half-close"
	// TrickSilence: it reads and says nothing for ever.
	TrickSilence Trick = "silence"
	// TrickEarly: it answers 413 before it has read the body.
	TrickEarly Trick = "early answer"

	// TrickDripHead: it begins an answer and sends one byte of the header at a time, for ever.
	TrickDripHead Trick = "drip of the header"
	// TrickHalfHead: it sends half a header and closes its side.
	TrickHalfHead Trick = "half a header"
	// TrickEndlessHeaders: it sends header lines for ever.
	TrickEndlessHeaders Trick = "endless headers"
	// TrickGiantHeader: it sends a single header line for ever.
	TrickGiantHeader Trick = "giant header"
	// TrickGiantStatus: it sends a status line for ever.
	TrickGiantStatus Trick = "giant status line"
	// TrickEndlessInterim: it sends 103 Early Hints for ever, as fast as they go.
	TrickEndlessInterim Trick = "endless 1xx"
	// TrickDripInterim: it sends 102 Processing now and then, for ever.
	TrickDripInterim Trick = "drip of 1xx"
	// TrickContinue: it answers 100 Continue, which nobody asked for, and then nothing for ever.
	TrickContinue Trick = "100 and silence"
	// TrickSwitch: it answers 101 to a request that asked for no other protocol.
	TrickSwitch Trick = "101"
	// TrickGarbage: it answers with something that is not HTTP.
	TrickGarbage Trick = "not HTTP"
	// TrickBadStatus: its status is not a number.
	TrickBadStatus Trick = "status that is no number"
	// TrickTwoLengths: it announces two lengths of the body.
	TrickTwoLengths Trick = "two lengths"
	// TrickTwoAnswers: it answers 503, and with 200 to a request that has not come yet.
	TrickTwoAnswers Trick = "two answers"

	// TrickDripBody: it answers 200 and sends a large body one byte at a time.
	TrickDripBody Trick = "drip of the body"
	// TrickStallBody: it answers 200, announces a body and sends nothing of it.
	TrickStallBody Trick = "stalled body"
	// TrickShortBody: it answers 200 and closes its side in the middle of the body.
	TrickShortBody Trick = "half a body"
	// TrickResetBody: it answers 200 and resets the connection in the middle of the body.
	TrickResetBody Trick = "reset in the body"
	// TrickEndlessBody: it answers 200 and sends a body for ever.
	TrickEndlessBody Trick = "endless body"
	// TrickGzipBomb: it answers 200 and sends gzip for ever, a thousand times as large when unpacked.
	TrickGzipBomb Trick = "gzip bomb"
	// TrickBadGzip: it answers 200 and calls a body gzip that is not.
	TrickBadGzip Trick = "bad gzip"
	// TrickBadChunk: it answers 200 and sends a chunk without a length.
	TrickBadChunk Trick = "bad chunk"
	// TrickGiantChunk: it answers 200 and announces a chunk of 2^63-1 bytes.
	TrickGiantChunk Trick = "giant chunk"
	// TrickEndlessChunk: it answers 200 and sends a line with a chunk's length for ever.
	TrickEndlessChunk Trick = "endless chunk extension"
	// TrickEndlessTrailer: it answers 200, and after the body sends trailers for ever.
	TrickEndlessTrailer Trick = "endless trailer"

	// TrickRedirectLoop: it redirects to itself.
	TrickRedirectLoop Trick = "redirect loop"
	// TrickRedirectInside: it redirects to the metadata address of clouds.
	TrickRedirectInside Trick = "redirect to metadata"
	// TrickRetryNever: it answers 503 and asks to be left alone for centuries.
	TrickRetryNever Trick = "Retry-After of centuries"

	// TrickStallTLS: over TLS, it never begins the handshake.
	TrickStallTLS Trick = "stalled handshake"
	// TrickResetTLS: over TLS, it resets the connection in the handshake.
	TrickResetTLS Trick = "reset in the handshake"
	// TrickNoTLS: it speaks plain HTTP where TLS is expected.
	TrickNoTLS Trick = "plain HTTP for TLS"
	// TrickOldTLS: it speaks nothing newer than TLS 1.1.
	TrickOldTLS Trick = "old TLS"
	// TrickUnknownAuthority: its certificate is signed by an authority that is not in RootCAs.
	TrickUnknownAuthority Trick = "unknown authority"
	// TrickWrongName: its certificate is for another name.
	TrickWrongName Trick = "wrong name"
	// TrickExpired: its certificate has expired.
	TrickExpired Trick = "expired certificate"

	// TrickSilenceH2: over HTTP/2, it reads and says nothing but what the protocol needs.
	TrickSilenceH2 Trick = "HTTP/2 silence"
	// TrickGoAway: over HTTP/2, it sends each request away unseen, to another connection.
	TrickGoAway Trick = "HTTP/2 go away"
	// TrickRefuseStream: over HTTP/2, it refuses each request unseen, to be sent again.
	TrickRefuseStream Trick = "HTTP/2 refused stream"
	// TrickResetStream: over HTTP/2, it resets the request's stream.
	TrickResetStream Trick = "HTTP/2 reset stream"
	// TrickContinuation: over HTTP/2, it sends continuations of a header for ever.
	TrickContinuation Trick = "HTTP/2 endless header"
	// TrickPings: over HTTP/2, it sends pings for ever and does not read the replies.
	TrickPings Trick = "HTTP/2 endless pings"
	// TrickOverflow: over HTTP/2, it answers 200 and sends more than it was allowed to, for ever.
	TrickOverflow Trick = "HTTP/2 overflow"
)
