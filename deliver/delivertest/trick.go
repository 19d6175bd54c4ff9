package delivertest

// Trick is one way of a [Hostile] receiver to harm its sender. Its text is its
// name, for subtests and logs. The zero value is none.
//
// There are six groups: tricks with the connection, with the head of the answer,
// with its body, with what an answer makes a client do, with the TLS handshake,
// and with HTTP/2. Unless a trick says otherwise, the receiver has read the whole
// request before, and speaks HTTP/1.1 in plain text. "For ever" ends when the
// client hangs up, or with the test.
type Trick string

// Tricks with the connection, before there is an answer.
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
)

// Tricks with the head of the answer.
const (
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
	// TrickTwoAnswers: it answers 503, and with 200 to a request that has not come yet. A client of
	// net/http writes a line about that to the standard logger.
	TrickTwoAnswers Trick = "two answers"
)

// Tricks with the body, all of a 200.
const (
	// TrickDripBody: it sends a large body one byte at a time.
	TrickDripBody Trick = "drip of the body"
	// TrickStallBody: it announces a body and sends nothing of it.
	TrickStallBody Trick = "stalled body"
	// TrickShortBody: it closes its side in the middle of the body.
	TrickShortBody Trick = "half a body"
	// TrickResetBody: it resets the connection in the middle of the body.
	TrickResetBody Trick = "reset in the body"
	// TrickEndlessBody: it sends a body for ever.
	TrickEndlessBody Trick = "endless body"
	// TrickGzipBomb: it sends gzip for ever, a thousand times as large when unpacked.
	TrickGzipBomb Trick = "gzip bomb"
	// TrickBadGzip: it calls a body gzip that is not.
	TrickBadGzip Trick = "bad gzip"
	// TrickBadChunk: it sends a chunk without a length.
	TrickBadChunk Trick = "bad chunk"
	// TrickGiantChunk: it announces a chunk of 2^63-1 bytes.
	TrickGiantChunk Trick = "giant chunk"
	// TrickEndlessChunk: it sends a line with a chunk's length for ever.
	TrickEndlessChunk Trick = "endless chunk extension"
	// TrickEndlessTrailer: after the body it sends trailers for ever.
	TrickEndlessTrailer Trick = "endless trailer"
)

// Tricks with answers in good order that make a client do harm.
const (
	// TrickRedirectLoop: it redirects to itself.
	TrickRedirectLoop Trick = "redirect loop"
	// TrickRedirectInside: it redirects to the metadata address of clouds.
	TrickRedirectInside Trick = "redirect to metadata"
	// TrickRetryNever: it answers 503 and asks to be left alone for centuries.
	TrickRetryNever Trick = "Retry-After of centuries"
)

// Tricks with the TLS handshake. Their URLs are https.
const (
	// TrickStallTLS: it never begins the handshake.
	TrickStallTLS Trick = "stalled handshake"
	// TrickResetTLS: it resets the connection in the handshake.
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
)

// Tricks with HTTP/2, over TLS. The receiver speaks nothing else, so a
// client of HTTP/1.1 only gets no answer that it understands.
const (
	// TrickSilenceH2: it reads and says nothing but what the protocol needs.
	TrickSilenceH2 Trick = "HTTP/2 silence"
	// TrickGoAway: it sends each request away unseen, to another connection.
	TrickGoAway Trick = "HTTP/2 go away"
	// TrickRefuseStream: it refuses each request unseen, to be sent again.
	TrickRefuseStream Trick = "HTTP/2 refused stream"
	// TrickResetStream: it resets the request's stream.
	TrickResetStream Trick = "HTTP/2 reset stream"
	// TrickContinuation: it sends continuations of a header for ever.
	TrickContinuation Trick = "HTTP/2 endless header"
	// TrickPings: it sends pings for ever and does not read the replies.
	TrickPings Trick = "HTTP/2 endless pings"
	// TrickOverflow: it answers 200 and sends more than it was allowed to, for ever, and reads nothing.
	TrickOverflow Trick = "HTTP/2 overflow"
)
