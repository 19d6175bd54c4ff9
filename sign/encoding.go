package sign

import (
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

// decode reports whether text is exactly one SHA-256 tag, and writes it to sum.
// It works on what the peer sent, so nothing here needs constant time.
func (e Encoding) decode(strict *base64.Encoding, text string, sum *[sha256.Size]byte) bool {
	if e == Hex {
		return decodeHex(text, sum)
	}
	// The decoder skips line breaks; with the length fixed on both sides
	// there is no room for one.
	const digits = (sha256.Size + 2) / 3 * 4
	if len(text) != digits {
		return false
	}
	var src [digits]byte
	var dst [digits / 4 * 3]byte
	copy(src[:], text)
	n, err := strict.Decode(dst[:], src[:])
	copy(sum[:], dst[:])
	return err == nil && n == sha256.Size
}

func decodeHex(text string, sum *[sha256.Size]byte) bool {
	var src [2 * sha256.Size]byte
	if len(text) != len(src) {
		return false
	}
	copy(src[:], text)
	// An upper-case letter has bit 6 and not bit 5; eight bytes at a time.
	const bit6 = 0x4040404040404040
	var upper uint64
	for i := 0; i < len(src); i += 8 {
		word := binary.LittleEndian.Uint64(src[i:])
		upper |= word &^ (word << 1) & bit6
	}
	_, err := hex.Decode(sum[:], src[:])
	return err == nil && upper == 0
}
