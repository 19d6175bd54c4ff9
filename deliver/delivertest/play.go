package delivertest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const dripEvery = 20 * time.Millisecond

// play is how a trick is played.
type play struct {
	trick  Trick
	secure bool         // its URL is https
	tls    *tls.Config  // if not nil, the handshake comes first
	talk   func(*visit) // nil if nobody listens
}

func (p *play) scheme() string {
	if p.secure {
		return "https"
	}
	return "http"
}

// visit is one connection of a client.
type visit struct {
	stop context.Context //nolint:containedctx // a visit is one call
	conn net.Conn
	in   *bufio.Reader
}

func newVisit(stop context.Context, conn net.Conn) *visit {
	return &visit{stop: stop, conn: conn, in: bufio.NewReader(conn)}
}

// request reads a request to its end.
func (v *visit) request() bool {
	req, err := http.ReadRequest(v.in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	_ = req.Body.Close()
	return err == nil
}

func (v *visit) say(s string) bool {
	_, err := io.WriteString(v.conn, s)
	return err == nil
}

// hold reads until the client hangs up.
func (v *visit) hold() { _, _ = io.Copy(io.Discard, v.in) }

// repeat says s for ever: every so often, or as fast as it goes if every is 0.
func (v *visit) repeat(s string, every time.Duration) {
	if every == 0 {
		s = strings.Repeat(s, max(1, (16<<10)/len(s)))
	}
	ticks := time.NewTicker(max(every, 1))
	defer ticks.Stop()
	block := []byte(s) // once, so that what a test counts is the client's memory
	for {
		if _, err := v.conn.Write(block); err != nil {
			return
		}
		if every == 0 {
			continue
		}
		select {
		case <-ticks.C:
		case <-v.stop.Done():
			return
		}
	}
}

// reset ends the connection with a reset.
func (v *visit) reset() {
	conn := v.conn
	if c, ok := conn.(*counted); ok {
		conn = c.Conn
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// after makes a play that begins when a request has been read.
func after(talk func(*visit)) func(*visit) {
	return func(v *visit) {
		if v.request() {
			talk(v)
		}
	}
}

// once says s in answer to the first request.
func once(s string) func(*visit) { return after(func(v *visit) { v.say(s) }) }

// forever says head and then body for ever, in answer to the first request.
func forever(head, body string, every time.Duration) func(*visit) {
	return after(func(v *visit) {
		if v.say(head) {
			v.repeat(body, every)
		}
	})
}

// always answers every request with s.
func always(s string) func(*visit) {
	return func(v *visit) {
		for v.request() && v.say(s) {
		}
	}
}

func plays(certs *certificates) []play {
	const (
		ok      = "HTTP/1.1 200 OK\r\n"
		chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	)
	return []play{
		{trick: TrickRefuse},
		{trick: TrickResetOnAccept, talk: (*visit).reset},
		{trick: TrickCloseOnAccept, talk: func(*visit) {}},
		{trick: TrickReset, talk: after((*visit).reset)},
		{trick: TrickHalfClose, talk: once("")},
		{trick: TrickSilence, talk: (*visit).hold},
		{trick: TrickEarly, talk: func(v *visit) {
			if _, err := http.ReadRequest(v.in); err == nil {
				v.say("HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			}
		}},

		{trick: TrickDripHead, talk: forever(ok+"X-Drip: ", "x", dripEvery)},
		{trick: TrickHalfHead, talk: once(ok + "X-Half")},
		{trick: TrickEndlessHeaders, talk: forever(ok, "X-More: and more\r\n", 0)},
		{trick: TrickGiantHeader, talk: forever(ok+"X-Giant: ", "x", 0)},
		{trick: TrickGiantStatus, talk: forever("HTTP/1.1 200 ", "O", 0)},
		{trick: TrickEndlessInterim, talk: forever("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0)},
		{trick: TrickDripInterim, talk: forever("", "HTTP/1.1 102 Processing\r\n\r\n", dripEvery)},
		{trick: TrickContinue, talk: after(func(v *visit) {
			v.say("HTTP/1.1 100 Continue\r\n\r\n")
			v.hold()
		})},
		{trick: TrickSwitch, talk: after(func(v *visit) {
			v.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
			v.hold()
		})},
		{trick: TrickGarbage, talk: once("SSH-2.0-OpenSSH_9.9\r\n\r\n")},
		{trick: TrickBadStatus, talk: once("HTTP/1.1 fine OK\r\n\r\n")},
		{trick: TrickTwoLengths, talk: once(ok + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde")},
		{trick: TrickTwoAnswers, talk: always("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n")},

		{trick: TrickDripBody, talk: forever(ok+"Content-Length: 1000000000\r\n\r\n", "x", dripEvery)},
		{trick: TrickStallBody, talk: after(func(v *visit) {
			v.say(ok + "Content-Length: 10\r\n\r\n")
			v.hold()
		})},
		{trick: TrickShortBody, talk: once(ok + "Content-Length: 10\r\n\r\nshort")},
		{trick: TrickResetBody, talk: after(func(v *visit) {
			v.say(ok + "Content-Length: 1000000\r\n\r\nshort")
			v.reset()
		})},
		{trick: TrickEndlessBody, talk: forever(ok+"\r\n", "x", 0)},
		{trick: TrickGzipBomb, talk: forever(ok+"Content-Encoding: gzip\r\n\r\n", bomb(), 0)},
		{trick: TrickBadGzip, talk: once(ok + "Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: 8\r\n\r\nnot gzip")},
		{trick: TrickBadChunk, talk: once(chunked + "five\r\nabcde\r\n")},
		{trick: TrickGiantChunk, talk: once(chunked + "7fffffffffffffff\r\nabcde")},
		{trick: TrickEndlessChunk, talk: forever(chunked+"5;", "x", 0)},
		{trick: TrickEndlessTrailer, talk: forever(chunked+"5\r\nabcde\r\n0\r\n", "X-More: and more\r\n", 0)},

		{trick: TrickRedirectLoop, talk: always("HTTP/1.1 307 Here\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")},
		{trick: TrickRedirectInside, talk: always("HTTP/1.1 302 There\r\nLocation: http://169.254.169.254/latest/meta-data\r\nContent-Length: 0\r\n\r\n")},
		{trick: TrickRetryNever, talk: always("HTTP/1.1 503 No\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n")},

		{trick: TrickStallTLS, secure: true, talk: (*visit).hold},
		{trick: TrickResetTLS, secure: true, talk: func(v *visit) {
			_, _ = v.in.Peek(5) // the client has begun
			v.reset()
		}},
		{trick: TrickNoTLS, secure: true, talk: func(v *visit) {
			_, _ = v.in.Peek(5)
			v.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		}},
		{trick: TrickOldTLS, secure: true, tls: certs.old, talk: (*visit).hold},
		{trick: TrickUnknownAuthority, secure: true, tls: certs.unknown, talk: (*visit).hold},
		{trick: TrickWrongName, secure: true, tls: certs.misnamed, talk: (*visit).hold},
		{trick: TrickExpired, secure: true, tls: certs.expired, talk: (*visit).hold},

		{trick: TrickSilenceH2, secure: true, tls: certs.h2, talk: h2(func(*visit, uint32) bool { return true })},
		{trick: TrickGoAway, secure: true, tls: certs.h2, talk: h2(func(v *visit, _ uint32) bool {
			v.say(frame(frameGoAway, 0, 0, make([]byte, 8)))
			return false
		})},
		{trick: TrickRefuseStream, secure: true, tls: certs.h2, talk: h2(func(v *visit, stream uint32) bool {
			return v.say(frame(frameReset, 0, stream, []byte{0, 0, 0, 7}))
		})},
		{trick: TrickResetStream, secure: true, tls: certs.h2, talk: h2(func(v *visit, stream uint32) bool {
			return v.say(frame(frameReset, 0, stream, []byte{0, 0, 0, 2}))
		})},
		{trick: TrickContinuation, secure: true, tls: certs.h2, talk: h2(func(v *visit, stream uint32) bool {
			v.say(frame(frameHeaders, 0, stream, []byte{status200}))
			// A literal header without a place in the table: "a: a" and so on.
			v.repeat(frame(frameContinuation, 0, stream, bytes.Repeat([]byte{0, 1, 'a', 1, 'a'}, 1000)), 0)
			return false
		})},
		{trick: TrickPings, secure: true, tls: certs.h2, talk: h2(func(v *visit, _ uint32) bool {
			v.repeat(frame(framePing, 0, 0, make([]byte, 8)), 0)
			return false
		})},
		{trick: TrickOverflow, secure: true, tls: certs.h2, talk: h2(func(v *visit, stream uint32) bool {
			v.say(frame(frameHeaders, endHeaders, stream, []byte{status200}))
			v.repeat(frame(frameData, 0, stream, make([]byte, 16<<10)), 0)
			return false
		})},
	}
}

// bomb returns a mebibyte of zeros as a member of a gzip stream, of which there
// may be any number.
func bomb() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, 1<<20)) // a buffer takes everything
	_ = w.Close()
	return b.String()
}

// What is needed of HTTP/2's framing.
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameContinuation = 9

	ack        = 1
	endHeaders = 4

	status200 = 0x88 // in the static table
	preface   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

func frame(kind, flags byte, stream uint32, payload []byte) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind)) //nolint:gosec // payloads are small
	head = append(head, flags)
	head = binary.BigEndian.AppendUint32(head, stream)
	return string(head) + string(payload)
}

// h2 speaks HTTP/2 until a request begins, and then calls onRequest with its
// stream, again and again while that returns true.
func h2(onRequest func(v *visit, stream uint32) bool) func(*visit) {
	return func(v *visit) {
		if _, err := io.CopyN(io.Discard, v.in, int64(len(preface))); err != nil || !v.say(frame(frameSettings, 0, 0, nil)) {
			return
		}
		for {
			var head [9]byte
			if _, err := io.ReadFull(v.in, head[:]); err != nil {
				return
			}
			length := int64(binary.BigEndian.Uint32(head[:4]) >> 8)
			if _, err := io.CopyN(io.Discard, v.in, length); err != nil {
				return
			}
			switch kind, flags := head[3], head[4]; {
			case kind == frameSettings && flags&ack == 0:
				if !v.say(frame(frameSettings, ack, 0, nil)) {
					return
				}
			case kind == frameHeaders:
				if !onRequest(v, binary.BigEndian.Uint32(head[5:])) {
					return
				}
			}
		}
	}
}
