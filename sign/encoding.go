package sign

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
)

// Encoding says how a tag is written. The zero value is no encoding, so that
// no scheme gets one by accident.
type Encoding uint8

const (
	// Hex is lower-case hexadecimal. Upper-case digits are refused: no
	// documented sender writes them, and one spelling for each tag keeps a
	// tag usable as a name.
	Hex Encoding = iota + 1

	// Base64 is standard base64 with padding; the unused bits of the last
	// digit must be zero.
	Base64
)

func (e Encoding) append(dst, sum []byte) []byte {
	if e == Hex {
		return hex.AppendEncode(dst, sum)
	}
	return base64.StdEncoding.AppendEncode(dst, sum)
}

// maxTag is the length of the longest tag in bytes, an Ed25519 signature.
const maxTag = ed25519.SignatureSize

// decoder reads tags. It exists once for each scheme, because a strict base64
// decoder is costly to make.
type decoder struct {
	size   int              // The length of a tag in bytes.
	base64 *base64.Encoding // Nil for Hex.
}

func newDecoder(s Scheme) decoder {
	d := decoder{size: sha256.Size}
	if s.Algorithm == Ed25519 {
		d.size = ed25519.SignatureSize
	}
	if s.Encoding == Base64 {
		d.base64 = base64.StdEncoding.Strict()
	}
	return d
}

// decode reports whether text is exactly one tag in its only spelling, and puts
// it into dst. It works on what the peer sent, so nothing here needs constant
// time.
func (d *decoder) decode(dst *[maxTag]byte, text string) bool {
	if d.base64 == nil {
		return len(text) == 2*d.size && decodeHex(dst, text)
	}
	// The decoder skips line breaks; with the length fixed on both sides there
	// is no room for one.
	if len(text) != d.base64.EncodedLen(d.size) {
		return false
	}
	var src [(maxTag + 2) / 3 * 4]byte
	var out [(maxTag + 2) / 3 * 3]byte
	n, err := d.base64.Decode(out[:], src[:copy(src[:], text)])
	copy(dst[:], out[:])
	return err == nil && n == d.size
}

// decodeHex reads lower-case digits, eight at a time.
func decodeHex(dst *[maxTag]byte, text string) bool {
	const each = 0x0101010101010101
	var src [2 * maxTag]byte
	copy(src[:], text)
	wrong := uint64(0)
	for i := 0; i < len(text); i += 8 {
		word := binary.LittleEndian.Uint64(src[i&(len(src)-8):])
		// Letters have bit 6. A digit is right when its value, spelled again, is
		// the digit.
		value := word&(0x0f*each) + 9*(word>>6&each)
		letter := (value + 6*each) >> 4 & each
		wrong |= value&(0xf0*each) | word ^ (value + '0'*each + ('a'-10-'0')*letter)
		// Two digits are a byte; the bytes move together.
		value = (value<<4 | value>>8) & 0x00ff00ff00ff00ff
		value = (value | value>>8) & 0x0000ffff0000ffff
		binary.LittleEndian.PutUint32(dst[i/2&(len(dst)-4):], uint32(value|value>>16)) //nolint:gosec // the low half is meant
	}
	return wrong == 0
}
